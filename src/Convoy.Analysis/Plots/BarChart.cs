namespace Convoy.Analysis.Plots;

/// <summary>Horizontal bars from 0, one a row, each of one or more segments end to end.</summary>
/// <param name="Name">Its file name without ending.</param>
/// <param name="Title">What it shows, in a few words.</param>
/// <param name="Description">What one sees in it.</param>
/// <param name="X">The axis of values; it begins at 0.</param>
/// <param name="Rows">The bars from top to bottom.</param>
/// <param name="Legend">The kinds of segments; empty when the rows' labels say it all.</param>
public sealed record BarChart(string Name, string Title, string Description, ChartAxis X, IReadOnlyList<BarRow> Rows, IReadOnlyList<LegendEntry> Legend)
    : Chart(Name, Title, Description);
