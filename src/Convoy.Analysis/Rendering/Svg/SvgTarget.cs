using Convoy.Analysis.Plots;

namespace Convoy.Analysis.Rendering.Svg;

/// <summary>
/// What a pointer or the keyboard meets: invisible until then. Its title is what assistive programs read and browsers show
/// by themselves; the page's script makes a box of it that appears at once.
/// </summary>
internal static class SvgTarget
{
    public static void Circle(SvgText svg, double x, double y, double radius, string title, PlotColor color) =>
        Draw(svg, $"<circle cx=\"{SvgText.Number(x)}\" cy=\"{SvgText.Number(y)}\" r=\"{SvgText.Number(radius)}\"/>", title, color);

    public static void Rectangle(SvgText svg, double x, double y, double width, double height, string title, PlotColor color) => Draw(
        svg,
        $"<rect x=\"{SvgText.Number(x)}\" y=\"{SvgText.Number(y)}\" width=\"{SvgText.Number(width)}\" height=\"{SvgText.Number(height)}\"/>",
        title,
        color);

    private static void Draw(SvgText svg, string shape, string title, PlotColor color) =>
        svg.Raw($"<g class=\"target {SvgLegend.Name(color)}\" role=\"img\" tabindex=\"-1\"><title>{SvgText.Escape(title)}</title>{shape}</g>\n");
}
