namespace Convoy.Lanes.Drawing;

/// <summary>The weather of a drawn scene.</summary>
internal enum Weather
{
    Clear,

    Cloudy,

    /// <summary>Streaks, a wet and mirroring road, little contrast.</summary>
    Rain,
}
