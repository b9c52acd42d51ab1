using Convoy.Analysis.Plots;

namespace Convoy.Analysis.Rendering.Charts;

/// <summary>Draws charts on a canvas. A unit is a pixel at the drawing's own size.</summary>
internal static class ChartDrawing
{
    /// <summary>Every drawing's width: two of them stand beside each other on a page, one fills a telephone's.</summary>
    public const double Width = 460;

    /// <summary>The size of letters.</summary>
    public const double FontSize = 12;

    private const double Margin = 16;
    private const double TitleHeight = 30;
    private const double TitleBaseLine = 15;

    // The mean width of a letter of usual sans-serif fonts; what is measured with it may be a little wide, never much too narrow.
    private const double LetterWidth = 0.57 * FontSize;

    /// <summary>Where the drawing and its title lie in a file of its own, whose width and whose height beyond the drawing's are these.</summary>
    public static (double Margin, double TitleBaseLine, double Top, double FileWidth, double AroundHeight) File =>
        (Margin, TitleBaseLine, TitleHeight, Width + (2 * Margin), TitleHeight + (2 * Margin));

    /// <summary>Draws <paramref name="chart"/> without its title.</summary>
    /// <returns>The height of the drawing.</returns>
    public static double Draw(ChartCanvas canvas, Chart chart) => Math.Ceiling(chart switch
    {
        LineChart lines => LineChartDrawing.Draw(canvas, lines),
        BarChart bars => BarChartDrawing.Draw(canvas, bars),
        _ => throw new ArgumentException($"There is no drawing of a {chart.GetType().Name}.", nameof(chart)),
    });

    /// <summary>About how wide a text is.</summary>
    public static double WidthOf(string text) => text.Length * LetterWidth;
}

/// <summary>The area in which data is drawn.</summary>
/// <param name="Left">Its left edge.</param>
/// <param name="Top">Its upper edge.</param>
/// <param name="Width">Its width.</param>
/// <param name="Height">Its height.</param>
internal sealed record ChartFrame(double Left, double Top, double Width, double Height)
{
    public double Right => Left + Width;

    public double Bottom => Top + Height;

    public double X(double fraction) => Left + (fraction * Width);

    public double Y(double fraction) => Bottom - (fraction * Height);
}

/// <summary>What colours and markers stand for, in as many lines as it takes.</summary>
internal static class ChartLegend
{
    private const double KeyWidth = 24;
    private const double Gap = 14;
    private const double LineHeight = 18;

    /// <summary>Draws the entries of series.</summary>
    /// <returns>The height that it takes.</returns>
    public static double Draw(ChartCanvas canvas, IReadOnlyList<ChartSeries> series, double left, double top) => Draw(series.Select(s => s.Name), left, top, (i, x, y) =>
    {
        ChartSeries entry = series[i];
        string color = ChartCanvas.Class(entry.Color);
        if (entry.Style != SeriesStyle.Predicted)
        {
            canvas.Line(x, y - 4, x + KeyWidth - 6, y - 4, entry.Style == SeriesStyle.Reference ? $"reference {color}" : entry.Style == SeriesStyle.Trace ? $"trace {color}" : $"curve {color}");
        }

        if (entry.Style is SeriesStyle.Measured or SeriesStyle.Predicted)
        {
            canvas.Marker(entry.Shape, x + 9, y - 4, 4, entry.Style == SeriesStyle.Predicted ? $"hollow {color}" : $"marker {color}");
        }

        canvas.Label(x + KeyWidth, y, entry.Name, "start");
    });

    /// <summary>Draws the entries of bars' segments.</summary>
    /// <returns>The height that it takes.</returns>
    public static double Draw(ChartCanvas canvas, IReadOnlyList<LegendEntry> entries, double left, double top) => Draw(entries.Select(e => e.Name), left, top, (i, x, y) =>
        canvas.Rectangle(x + 4, y - 10, 12, 12, $"bar {ChartCanvas.Class(entries[i].Color)}").Label(x + KeyWidth, y, entries[i].Name, "start"));

    private static double Draw(IEnumerable<string> names, double left, double top, Action<int, double, double> draw)
    {
        double x = left, y = top;
        int i = 0;
        foreach (string name in names)
        {
            double width = KeyWidth + ChartDrawing.WidthOf(name);
            if (i > 0 && x + width > ChartDrawing.Width)
            {
                x = left;
                y += LineHeight;
            }

            draw(i++, x, y + ChartDrawing.FontSize);
            x += width + Gap;
        }

        return i == 0 ? 0 : y - top + LineHeight;
    }
}
