using Convoy.Analysis.Plots;

namespace Convoy.Analysis.Rendering.Svg;

/// <summary>The outlines of markers.</summary>
internal static class SvgMarker
{
    /// <summary>The outline of <paramref name="shape"/> around a point.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="x">The point.</param>
    /// <param name="y">The point.</param>
    /// <param name="r">Half its size.</param>
    public static string Outline(MarkerShape shape, double x, double y, double r) => shape switch
    {
        MarkerShape.Circle => $"M{N(x - r)} {N(y)}a{N(r)} {N(r)} 0 1 0 {N(2 * r)} 0a{N(r)} {N(r)} 0 1 0 {N(-2 * r)} 0z",
        MarkerShape.Square => $"M{N(x - (0.9 * r))} {N(y - (0.9 * r))}h{N(1.8 * r)}v{N(1.8 * r)}h{N(-1.8 * r)}z",
        MarkerShape.Triangle => Up(x, y, r),
        MarkerShape.Diamond => $"M{N(x)} {N(y - (1.25 * r))}L{N(x + (1.25 * r))} {N(y)}L{N(x)} {N(y + (1.25 * r))}L{N(x - (1.25 * r))} {N(y)}z",
        _ => throw new ArgumentOutOfRangeException(nameof(shape), shape, "There is no such marker."),
    };

    /// <summary>A triangle that points up: also the arrow of a point above the axis's end.</summary>
    public static string Up(double x, double y, double r) => $"M{N(x)} {N(y - (1.2 * r))}L{N(x + (1.1 * r))} {N(y + (0.8 * r))}H{N(x - (1.1 * r))}z";

    private static string N(double value) => SvgText.Number(value);
}
