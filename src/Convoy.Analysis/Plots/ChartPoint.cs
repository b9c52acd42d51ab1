using Convoy.Analysis.Statistics;

namespace Convoy.Analysis.Plots;

/// <summary>One point of a series.</summary>
/// <param name="X">Where it is along the horizontal axis.</param>
/// <param name="Y">Its value; NaN where a series has a gap.</param>
/// <param name="XText">The horizontal value in words, such as <c>2 processes</c>.</param>
/// <param name="YText">The value in words with its unit and its interval.</param>
/// <param name="Interval">The 95 % interval; null when it is not known.</param>
/// <param name="Label">What is printed beside the point; null for nothing.</param>
public sealed record ChartPoint(double X, double Y, string XText, string YText, Interval? Interval = null, string? Label = null);
