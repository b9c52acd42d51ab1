using Convoy.Analysis.Statistics;

namespace Convoy.Analysis.Plots;

/// <summary>Horizontal bars from 0, one a row, each of one or more segments end to end.</summary>
/// <param name="Name">Its file name without ending.</param>
/// <param name="Title">What it shows, in a few words.</param>
/// <param name="Description">What one sees in it.</param>
/// <param name="X">The axis of values; it begins at 0.</param>
/// <param name="Rows">The bars from top to bottom.</param>
/// <param name="Legend">The kinds of segments; empty when the rows' labels say it all.</param>
/// <param name="ValueName">What a bar of one segment is the length of, in a table of the numbers.</param>
public sealed record BarChart(string Name, string Title, string Description, ChartAxis X, IReadOnlyList<BarRow> Rows, IReadOnlyList<LegendEntry> Legend, string ValueName = "time")
    : Chart(Name, Title, Description);

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

/// <summary>A part of a bar.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Color">Its colour.</param>
/// <param name="Value">Its length; 0 or more.</param>
/// <param name="Text">The value in words with its unit.</param>
public sealed record BarSegment(string Name, PlotColor Color, double Value, string Text);

/// <summary>What a colour stands for.</summary>
/// <param name="Name">The name.</param>
/// <param name="Color">The colour.</param>
public sealed record LegendEntry(string Name, PlotColor Color);
