namespace Convoy.Analysis.Plots;

/// <summary>Points that belong together.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="Color">Its colour.</param>
/// <param name="Style">How it is drawn.</param>
/// <param name="Points">The points from left to right.</param>
/// <param name="Shape">How its points are marked, where the style marks them.</param>
public sealed record ChartSeries(string Name, PlotColor Color, SeriesStyle Style, IReadOnlyList<ChartPoint> Points, MarkerShape Shape = MarkerShape.Circle);
