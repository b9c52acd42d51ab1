using System.Globalization;
using System.Text;
using Convoy.Analysis.Plots;

namespace Convoy.Analysis.Rendering.Charts;

/// <summary>Draws a chart as SVG: for a page, whose style sheet colours it, or as a file of its own.</summary>
public static class ChartSvg
{
    /// <summary>The drawing for a page that has <see cref="ChartStyle.Rules"/> in its style sheet.</summary>
    /// <param name="chart">The chart.</param>
    /// <param name="labelledBy">The id of the element that names it.</param>
    /// <param name="describedBy">The id of the element that describes it.</param>
    public static string Inline(Chart chart, string labelledBy, string describedBy)
    {
        ArgumentNullException.ThrowIfNull(chart);
        var canvas = new SvgCanvas();
        double height = ChartDrawing.Draw(canvas, chart);
        return $"""<svg class="plot" viewBox="0 0 {ChartCanvas.Number(ChartDrawing.Width)} {ChartCanvas.Number(height)}" role="group" aria-labelledby="{labelledBy}" aria-describedby="{describedBy}">{"\n"}{canvas}</svg>{"\n"}""";
    }

    /// <summary>The drawing as a file: on white, with its title, and a title and description for assistive programs.</summary>
    public static byte[] File(Chart chart)
    {
        ArgumentNullException.ThrowIfNull(chart);
        var canvas = new SvgCanvas();
        double height = ChartDrawing.Draw(canvas, chart);
        (double margin, double titleBaseLine, double top, double width, double aroundHeight) = ChartDrawing.File;
        return Encoding.UTF8.GetBytes($"""
            <svg xmlns="http://www.w3.org/2000/svg" class="plot" width="{N(width)}" height="{N(height + aroundHeight)}" viewBox="0 0 {N(width)} {N(height + aroundHeight)}" role="img" aria-labelledby="title desc">
            <title id="title">{Escape(chart.Title)}</title>
            <desc id="desc">{Escape(chart.Description)}</desc>
            <style>
            {ChartStyle.LightRules}
            </style>
            <rect width="100%" height="100%" class="paper"/>
            <g transform="translate({N(margin)} {N(margin)})">
            <text x="0" y="{N(titleBaseLine)}" class="start title">{Escape(chart.Title)}</text>
            <g transform="translate(0 {N(top)})">
            {canvas}</g>
            </g>
            </svg>

            """.ReplaceLineEndings("\n"));
    }

    /// <summary>Text that may stand in an element or an attribute.</summary>
    internal static string Escape(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal)
        .Replace("\"", "&quot;", StringComparison.Ordinal);

    private static string N(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>SVG as text: escaped, and numbers always with a point.</summary>
    private sealed class SvgCanvas : ChartCanvas
    {
        private readonly StringBuilder _text = new();

        public override ChartCanvas Line(double x1, double y1, double x2, double y2, string classes) =>
            Add($"<line x1=\"{Number(x1)}\" y1=\"{Number(y1)}\" x2=\"{Number(x2)}\" y2=\"{Number(y2)}\" class=\"{classes}\"/>");

        public override ChartCanvas Rectangle(double x, double y, double width, double height, string classes) =>
            Add($"<rect x=\"{Number(x)}\" y=\"{Number(y)}\" width=\"{Number(width)}\" height=\"{Number(height)}\" class=\"{classes}\"/>");

        public override ChartCanvas Path(string data, string classes) => Add($"<path d=\"{data}\" class=\"{classes}\"/>");

        public override ChartCanvas Label(double x, double y, string content, string classes) =>
            Add($"<text x=\"{Number(x)}\" y=\"{Number(y)}\" class=\"{classes}\">{Escape(content)}</text>");

        public override void TargetCircle(double x, double y, double radius, string title, PlotColor color) =>
            AddTarget($"<circle cx=\"{Number(x)}\" cy=\"{Number(y)}\" r=\"{Number(radius)}\"/>", title, color);

        public override void TargetRectangle(double x, double y, double width, double height, string title, PlotColor color) =>
            AddTarget($"<rect x=\"{Number(x)}\" y=\"{Number(y)}\" width=\"{Number(width)}\" height=\"{Number(height)}\"/>", title, color);

        public override string ToString() => _text.ToString();

        // Its title is what assistive programs read and browsers show by themselves; the page's script makes a box of it that appears at once.
        private void AddTarget(string shape, string title, PlotColor color) =>
            Add($"<g class=\"target {Class(color)}\" role=\"img\" tabindex=\"-1\"><title>{Escape(title)}</title>{shape}</g>");

        private SvgCanvas Add(string element)
        {
            _text.Append(element).Append('\n');
            return this;
        }
    }
}
