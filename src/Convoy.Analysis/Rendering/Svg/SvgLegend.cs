using Convoy.Analysis.Plots;

namespace Convoy.Analysis.Rendering.Svg;

/// <summary>What colours and markers stand for, in as many lines as it takes.</summary>
internal static class SvgLegend
{
    private const double KeyWidth = 24;
    private const double Gap = 14;
    private const double LineHeight = 18;

    /// <summary>Draws the entries of series.</summary>
    /// <returns>The height that it takes.</returns>
    public static double Draw(SvgText svg, IReadOnlyList<ChartSeries> series, double left, double top) => Draw(series.Select(s => s.Name), left, top, (i, x, y) =>
    {
        ChartSeries entry = series[i];
        string color = Name(entry.Color);
        if (entry.Style != SeriesStyle.Predicted)
        {
            svg.Line(x, y - 4, x + KeyWidth - 6, y - 4, entry.Style == SeriesStyle.Reference ? $"reference {color}" : entry.Style == SeriesStyle.Trace ? $"trace {color}" : $"curve {color}");
        }

        if (entry.Style is SeriesStyle.Measured or SeriesStyle.Predicted)
        {
            svg.Path(SvgMarker.Outline(entry.Shape, x + 9, y - 4, 4), entry.Style == SeriesStyle.Predicted ? $"hollow {color}" : $"marker {color}");
        }

        svg.Label(x + KeyWidth, y, entry.Name, "start");
    });

    /// <summary>Draws the entries of bars' segments.</summary>
    /// <returns>The height that it takes.</returns>
    public static double Draw(SvgText svg, IReadOnlyList<LegendEntry> entries, double left, double top) => Draw(entries.Select(e => e.Name), left, top, (i, x, y) =>
        svg.Rectangle(x + 4, y - 10, 12, 12, $"bar {Name(entries[i].Color)}").Label(x + KeyWidth, y, entries[i].Name, "start"));

    public static string Name(PlotColor color) => color.ToString().ToLowerInvariant();

    private static double Draw(IEnumerable<string> names, double left, double top, Action<int, double, double> draw)
    {
        double x = left, y = top;
        int i = 0;
        foreach (string name in names)
        {
            double width = KeyWidth + SvgFrame.WidthOf(name);
            if (i > 0 && x + width > SvgFrame.DrawingWidth)
            {
                x = left;
                y += LineHeight;
            }

            draw(i++, x, y + SvgFrame.FontSize);
            x += width + Gap;
        }

        return i == 0 ? 0 : y - top + LineHeight;
    }
}
