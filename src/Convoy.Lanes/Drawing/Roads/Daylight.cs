namespace Convoy.Lanes.Drawing.Roads;

/// <summary>The time of day of a drawn scene.</summary>
internal enum Daylight
{
    Day,

    /// <summary>A low sun ahead that dazzles the camera.</summary>
    Dusk,

    /// <summary>Dark, with the car's own headlights on the road.</summary>
    Night,
}
