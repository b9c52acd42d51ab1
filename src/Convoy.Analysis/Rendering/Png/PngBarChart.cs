using Convoy.Analysis.Plots;
using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;

namespace Convoy.Analysis.Rendering.Png;

/// <summary>Puts a <see cref="BarChart"/> into a plot.</summary>
internal static class PngBarChart
{
    private const double BarSize = 0.62;

    // The share of the bars' width that the texts behind them take, by their letters.
    private const double WidthOfALetter = 0.012;

    public static void Draw(Plot plot, BarChart chart)
    {
        for (int i = 0; i < chart.Rows.Count; i++)
        {
            Draw(plot, chart.Rows[i], -i);
        }

        plot.XLabel(chart.X.Title);
        plot.Axes.Left.TickGenerator = new NumericManual([.. chart.Rows.Select((_, i) => (double)-i)], [.. chart.Rows.Select(r => r.Label)]);
        plot.Axes.Left.MajorTickStyle.Length = 0;
        plot.Axes.Bottom.TickGenerator = new NumericManual([.. chart.X.Ticks.Select(t => t.Value)], [.. chart.X.Ticks.Select(t => t.Label)]);
        plot.Grid.YAxisStyle.IsVisible = false;
        double room = chart.Rows.Max(r => (r.Text.Length * WidthOfALetter) + (Math.Max(r.Total, r.Interval?.High ?? 0) / chart.X.Max)) + 0.02;
        plot.Axes.SetLimits(0, chart.X.Max * Math.Max(1, room), -chart.Rows.Count + 0.4, 0.6);
        if (chart.Legend.Count > 0)
        {
            plot.Legend.ManualItems.AddRange(chart.Legend.Select(e => new LegendItem { LabelText = e.Name, FillColor = ChartPng.ColorOf(e.Color) }));
            plot.ShowLegend(Edge.Bottom);
        }
        else
        {
            plot.HideLegend();
        }
    }

    private static void Draw(Plot plot, BarRow row, double position)
    {
        var bars = new List<Bar>();
        double from = 0;
        foreach (BarSegment segment in row.Segments)
        {
            bars.Add(new Bar
            {
                Position = position,
                ValueBase = from,
                Value = from + segment.Value,
                FillColor = ChartPng.ColorOf(segment.Color),
                LineColor = Colors.White,
                LineWidth = 1,
                Size = BarSize,
                Orientation = Orientation.Horizontal,
            });
            from += segment.Value;
        }

        plot.Add.Bars(bars);
        if (row.Interval is { } interval)
        {
            var error = new ErrorBar([row.Total], [position], xErrorsNegative: [row.Total - interval.Low], xErrorsPositive: [interval.High - row.Total], yErrorsNegative: null, yErrorsPositive: null)
            {
                Color = plot.Axes.Title.Label.ForeColor,
                LineWidth = 1.4f,
                CapSize = 5,
            };
            plot.PlottableList.Add(error);
        }

        Text text = plot.Add.Text(row.Text, Math.Max(row.Total, row.Interval?.High ?? 0), position);
        text.LabelFontSize = 13;
        text.LabelFontColor = plot.Axes.Title.Label.ForeColor;
        text.LabelAlignment = Alignment.MiddleLeft;
        text.OffsetX = 6;
    }
}
