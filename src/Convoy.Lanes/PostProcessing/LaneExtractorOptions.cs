namespace Convoy.Lanes.PostProcessing;

/// <summary>
/// How <see cref="LaneExtractor"/> turns a mask into lanes. Lengths are in pixels of the mask; the defaults are for a mask of about 800x360
/// with lanes about 5 pixels wide, and suit 400x180 to 1280x720.
/// </summary>
public sealed record LaneExtractorOptions
{
    /// <summary>The defaults.</summary>
    public static LaneExtractorOptions Default { get; } = new();

    /// <summary>At most this many lanes are kept, the longest. Default 5, the most that TuSimple labels. From 1.</summary>
    public int MaxLanes { get; init; } = 5;

    /// <summary>Lane pixels of a row that are this few background pixels apart count as one run. Default 1. From 0.</summary>
    public int MaxHoleWidth { get; init; } = 1;

    /// <summary>
    /// A lane that is lost for more rows than this has ended; until then it is looked for where it was heading, so that breaks between
    /// dashes and behind cars are bridged. Default 40. From 0.
    /// </summary>
    public int MaxGapRows { get; init; } = 40;

    /// <summary>Shorter tracks, measured along the lane where it runs alone, are noise. Default 24. From 0.</summary>
    public double MinLength { get; init; } = 24;

    /// <summary>How many of a lane's latest points give its direction. Default 16. From 4.</summary>
    public int DirectionPoints { get; init; } = 16;

    /// <summary>How far beside its expected place a lane may go on after a break, measured across the lane. Default 4. From 0.</summary>
    public double SearchDistance { get; init; } = 4;

    /// <summary>How many rows above and below a sampled row the lane's line is fitted to. Default 3. From 1.</summary>
    public int SmoothingRows { get; init; } = 3;

    /// <summary>
    /// A lane that ends this many rows before the line through its lowest points leaves the mask, at the bottom or a side, is drawn
    /// out to that edge. Lanes are painted under the camera as well as ahead, and TuSimple's labels go to the edge: 99 % of them end
    /// within three of its rows, 15 rows of a mask of 360. Default 20. From 0.
    /// </summary>
    public int ExtendBeyondRows { get; init; } = 20;

    /// <summary>
    /// <see cref="SearchDistance"/> along the row for a lane of a slope (columns a row) after a break of some rows: wider for a leaning lane,
    /// and the longer the break, the less certain the place.
    /// </summary>
    internal double SearchDistanceAt(int gapRows, double slope) =>
        (SearchDistance + (0.15 * gapRows)) * Math.Sqrt(1 + (slope * slope));

    /// <exception cref="ArgumentOutOfRangeException">A setting is outside its range.</exception>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxLanes, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxHoleWidth);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxGapRows);
        ArgumentOutOfRangeException.ThrowIfNegative(MinLength);
        ArgumentOutOfRangeException.ThrowIfLessThan(DirectionPoints, 4);
        ArgumentOutOfRangeException.ThrowIfNegative(SearchDistance);
        ArgumentOutOfRangeException.ThrowIfLessThan(SmoothingRows, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(ExtendBeyondRows);
    }
}
