using System.Globalization;
using System.Text;
using Convoy.Analysis.Plots;

namespace Convoy.Analysis.Rendering.Svg;

/// <summary>Draws a chart as SVG: for a page, whose style sheet colours it, or as a file of its own.</summary>
public static class ChartSvg
{
    private const double Margin = 16;
    private const double TitleHeight = 30;

    /// <summary>The drawing for a page that has <see cref="SvgStyle.Rules"/> in its style sheet.</summary>
    /// <param name="chart">The chart.</param>
    /// <param name="labelledBy">The id of the element that names it.</param>
    /// <param name="describedBy">The id of the element that describes it.</param>
    public static string Inline(Chart chart, string labelledBy, string describedBy)
    {
        ArgumentNullException.ThrowIfNull(chart);
        (string body, double height) = Body(chart);
        return $"""<svg class="plot" viewBox="0 0 {SvgText.Number(SvgFrame.DrawingWidth)} {SvgText.Number(height)}" role="group" aria-labelledby="{labelledBy}" aria-describedby="{describedBy}">{"\n"}{body}</svg>{"\n"}""";
    }

    /// <summary>The drawing as a file: on white, with its title, and a title and description for assistive programs.</summary>
    public static byte[] File(Chart chart)
    {
        ArgumentNullException.ThrowIfNull(chart);
        (string body, double height) = Body(chart);
        double width = SvgFrame.DrawingWidth + (2 * Margin), whole = height + TitleHeight + (2 * Margin);
        return Encoding.UTF8.GetBytes($"""
            <svg xmlns="http://www.w3.org/2000/svg" class="plot" width="{N(width)}" height="{N(whole)}" viewBox="0 0 {N(width)} {N(whole)}" role="img" aria-labelledby="title desc">
            <title id="title">{SvgText.Escape(chart.Title)}</title>
            <desc id="desc">{SvgText.Escape(chart.Description)}</desc>
            <style>
            {SvgStyle.LightRules}
            </style>
            <rect width="100%" height="100%" class="paper"/>
            <g transform="translate({N(Margin)} {N(Margin)})">
            <text x="0" y="15" class="start title">{SvgText.Escape(chart.Title)}</text>
            <g transform="translate(0 {N(TitleHeight)})">
            {body}</g>
            </g>
            </svg>

            """.ReplaceLineEndings("\n"));
    }

    private static (string Body, double Height) Body(Chart chart)
    {
        var svg = new SvgText();
        double height = chart switch
        {
            LineChart lines => SvgLineChart.Draw(svg, lines),
            BarChart bars => SvgBarChart.Draw(svg, bars),
            _ => throw new ArgumentException($"There is no drawing of a {chart.GetType().Name}.", nameof(chart)),
        };
        return (svg.ToString(), Math.Ceiling(height));
    }

    private static string N(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
