using Convoy.Analysis.Statistics;

namespace Convoy.Analysis.Plots;

/// <summary>One bar.</summary>
/// <param name="Label">What it is the bar of.</param>
/// <param name="Segments">Its segments from 0 on.</param>
/// <param name="Text">What is printed behind its end.</param>
/// <param name="Interval">The 95 % interval of its length; null when it is not known.</param>
public sealed record BarRow(string Label, IReadOnlyList<BarSegment> Segments, string Text, Interval? Interval = null)
{
    /// <summary>Where the bar ends.</summary>
    public double Total => Segments.Sum(s => s.Value);
}
