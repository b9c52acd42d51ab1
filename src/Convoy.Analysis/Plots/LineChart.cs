namespace Convoy.Analysis.Plots;

/// <summary>Series over a common horizontal axis.</summary>
/// <param name="Name">Its file name without ending.</param>
/// <param name="Title">What it shows, in a few words.</param>
/// <param name="Description">What one sees in it.</param>
/// <param name="X">The horizontal axis.</param>
/// <param name="Y">The vertical axis. Points above its end are drawn at its end, as <see cref="IsBeyond"/> says.</param>
/// <param name="Series">The series; later ones are drawn over earlier ones.</param>
public sealed record LineChart(string Name, string Title, string Description, ChartAxis X, ChartAxis Y, IReadOnlyList<ChartSeries> Series)
    : Chart(Name, Title, Description)
{
    /// <summary>Up to where the measurements were left out as warm-up; null when nothing was, or not the same of all series.</summary>
    public double? LeftOutUntil { get; init; }

    /// <summary>Whether a point lies above the vertical axis's end; it is marked with an arrow there.</summary>
    public bool IsBeyond(ChartPoint point) => point.Y > Y.Max;
}
