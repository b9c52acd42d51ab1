using Convoy.Analysis.Statistics;

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

/// <summary>Points that belong together.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="Color">Its colour.</param>
/// <param name="Style">How it is drawn.</param>
/// <param name="Points">The points from left to right.</param>
/// <param name="Shape">How its points are marked, where the style marks them.</param>
public sealed record ChartSeries(string Name, PlotColor Color, SeriesStyle Style, IReadOnlyList<ChartPoint> Points, MarkerShape Shape = MarkerShape.Circle);

/// <summary>How a series is drawn.</summary>
public enum SeriesStyle
{
    /// <summary>Measured points, joined by a line.</summary>
    Measured,

    /// <summary>A thin line through many points without markers.</summary>
    Trace,

    /// <summary>A dashed line without markers, for comparison.</summary>
    Reference,

    /// <summary>Hollow markers, not joined: not measured.</summary>
    Predicted,
}

/// <summary>How a series marks its points, so that colour is not all that tells them apart.</summary>
public enum MarkerShape
{
    /// <summary>A disc.</summary>
    Circle,

    /// <summary>A square.</summary>
    Square,

    /// <summary>A triangle that points up.</summary>
    Triangle,

    /// <summary>A square on its corner.</summary>
    Diamond,
}

/// <summary>One point of a series.</summary>
/// <param name="X">Where it is along the horizontal axis.</param>
/// <param name="Y">Its value; NaN where a series has a gap.</param>
/// <param name="XText">The horizontal value in words, such as <c>2 processes</c>.</param>
/// <param name="YText">The value in words with its unit and its interval.</param>
/// <param name="Interval">The 95 % interval; null when it is not known.</param>
/// <param name="Label">What is printed beside the point; null for nothing.</param>
public sealed record ChartPoint(double X, double Y, string XText, string YText, Interval? Interval = null, string? Label = null);
