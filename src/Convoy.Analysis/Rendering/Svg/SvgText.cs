using System.Globalization;
using System.Text;

namespace Convoy.Analysis.Rendering.Svg;

/// <summary>SVG as text: escaped, and numbers always with a point.</summary>
internal sealed class SvgText
{
    private readonly StringBuilder _text = new();

    /// <summary>A coordinate to a hundredth of a unit.</summary>
    public static string Number(double value) => (Math.Round(value, 2) + 0.0).ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>Text that may stand in an element or an attribute.</summary>
    public static string Escape(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal)
        .Replace("\"", "&quot;", StringComparison.Ordinal);

    public SvgText Line(double x1, double y1, double x2, double y2, string kind) =>
        Raw($"<line x1=\"{Number(x1)}\" y1=\"{Number(y1)}\" x2=\"{Number(x2)}\" y2=\"{Number(y2)}\" class=\"{kind}\"/>\n");

    public SvgText Rectangle(double x, double y, double width, double height, string kind) =>
        Raw($"<rect x=\"{Number(x)}\" y=\"{Number(y)}\" width=\"{Number(width)}\" height=\"{Number(height)}\" class=\"{kind}\"/>\n");

    public SvgText Path(string data, string kind) => Raw($"<path d=\"{data}\" class=\"{kind}\"/>\n");

    /// <param name="x">Where the anchor is.</param>
    /// <param name="y">The base line.</param>
    /// <param name="content">The text.</param>
    /// <param name="kind">Classes; <c>start</c>, <c>middle</c> or <c>end</c> among them says which part of the text lies at <paramref name="x"/>.</param>
    public SvgText Label(double x, double y, string content, string kind) =>
        Raw($"<text x=\"{Number(x)}\" y=\"{Number(y)}\" class=\"{kind}\">{Escape(content)}</text>\n");

    public SvgText Raw(string svg)
    {
        _text.Append(svg);
        return this;
    }

    public override string ToString() => _text.ToString();
}
