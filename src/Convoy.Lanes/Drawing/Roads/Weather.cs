namespace Convoy.Lanes.Drawing.Roads;

/// <summary>The weather of a drawn scene.</summary>
internal enum Weather
{
    Clear,

    Cloudy,

    /// <summary>Streaks, a wet and mirroring road, little contrast.</summary>
    Rain,
}
