using Convoy.Analysis.Plots;
using Convoy.Analysis.Rendering.Svg;
using ScottPlot;
using SkiaSharp;

namespace Convoy.Analysis.Rendering.Png;

/// <summary>Draws a chart as a PNG picture on white, twice as many pixels as its size on a page.</summary>
public static class ChartPng
{
    private const int Width = 720;
    private const int Scale = 2;
    private const int LineChartHeight = 450;
    private const int RowHeight = 38;
    private const int AroundRows = 190;

    /// <summary>Why pictures cannot be drawn here; null when they can. Drawings in SVG need no fonts.</summary>
    public static string? Refusal { get; } = SKFontManager.Default.FontFamilyCount > 0
        ? null
        : "No PNG plots: this system has no fonts to write on them with. Install one, such as DejaVu Sans; the SVG plots are complete.";

    /// <summary>The picture.</summary>
    /// <exception cref="InvalidOperationException">There is a <see cref="Refusal"/>.</exception>
    public static byte[] File(Chart chart)
    {
        ArgumentNullException.ThrowIfNull(chart);
        if (Refusal is not null)
        {
            throw new InvalidOperationException(Refusal);
        }

        using var plot = new Plot { ScaleFactor = Scale };
        Style(plot, chart.Title);
        int height = LineChartHeight;
        switch (chart)
        {
            case LineChart lines:
                PngLineChart.Draw(plot, lines);
                break;
            case BarChart bars:
                PngBarChart.Draw(plot, bars);
                height = AroundRows + (RowHeight * bars.Rows.Count);
                break;
            default:
                throw new ArgumentException($"There is no picture of a {chart.GetType().Name}.", nameof(chart));
        }

        return plot.GetImage(Width * Scale, height * Scale).GetImageBytes(ImageFormat.Png);
    }

    /// <summary>The colour of the style sheet that pages and drawings have too.</summary>
    internal static Color ColorOf(PlotColor color) => Color.FromHex(SvgStyle.Light(SvgLegend.Name(color)));

    // The first that the system has, as in the style sheet; without any of them the system's own choice.
    private static readonly string[] Fonts = ["Segoe UI", "Helvetica Neue", "Arial", "Liberation Sans", "DejaVu Sans", "Noto Sans"];

    private static void Style(Plot plot, string title)
    {
        Color ink = Color.FromHex(SvgStyle.Light("ink")), muted = Color.FromHex(SvgStyle.Light("muted")), grid = Color.FromHex(SvgStyle.Light("grid-line"));
        plot.FigureBackground.Color = Colors.White;
        plot.DataBackground.Color = Colors.White;
        plot.Axes.Color(muted);
        plot.Axes.Right.IsVisible = false;
        plot.Axes.Top.IsVisible = false;
        plot.Grid.MajorLineColor = grid;
        plot.Title(title);
        plot.Axes.Title.Label.ForeColor = ink;
        plot.Axes.Title.Label.FontSize = 17;
        foreach (IAxis axis in plot.Axes.GetAxes())
        {
            axis.Label.FontSize = 13;
            axis.Label.Bold = false;
            axis.Label.ForeColor = muted;
            axis.TickLabelStyle.FontSize = 13;
            axis.TickLabelStyle.ForeColor = ink;
        }

        HashSet<string> installed = [.. SKFontManager.Default.FontFamilies];
        if (Fonts.FirstOrDefault(installed.Contains) is { } font)
        {
            plot.Font.Set(font);
        }

        plot.Legend.SymbolWidth = 28;
        plot.Legend.BackgroundColor = Colors.White;
        plot.Legend.OutlineColor = Colors.Transparent;
        plot.Legend.ShadowColor = Colors.Transparent;
        plot.Legend.FontSize = 13;
        plot.Legend.FontColor = ink;
        plot.Legend.Orientation = Orientation.Horizontal;
    }
}
