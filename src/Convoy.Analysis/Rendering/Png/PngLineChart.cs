using Convoy.Analysis.Plots;
using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;

namespace Convoy.Analysis.Rendering.Png;

/// <summary>Puts a <see cref="LineChart"/> into a plot.</summary>
internal static class PngLineChart
{
    private const float MarkerSize = 9;

    public static void Draw(Plot plot, LineChart chart)
    {
        plot.YLabel(chart.Y.Title);
        plot.XLabel(chart.X.Title);
        plot.Axes.Left.TickGenerator = Ticks(chart.Y);
        plot.Axes.Bottom.TickGenerator = Ticks(chart.X);
        plot.Grid.XAxisStyle.IsVisible = false;
        if (chart.LeftOutUntil is { } until)
        {
            HorizontalSpan span = plot.Add.HorizontalSpan(chart.X.Scale(chart.X.Min), chart.X.Scale(until));
            span.FillStyle.Color = plot.Grid.MajorLineColor;
            span.LineStyle.IsVisible = false;
            Text warmUp = plot.Add.Text("\u2190 warm-up", chart.X.Scale(until), chart.Y.Max);
            (warmUp.LabelFontSize, warmUp.LabelFontColor, warmUp.OffsetX) = (12, plot.Axes.Bottom.Label.ForeColor, 4);
        }

        foreach (ChartSeries series in chart.Series)
        {
            Draw(plot, chart, series);
        }

        foreach (ChartSeries series in chart.Series)
        {
            Labels(plot, chart, series);
        }

        plot.Axes.SetLimits(chart.X.Scale(chart.X.Min), chart.X.Scale(chart.X.Max), chart.Y.Scale(chart.Y.Min), chart.Y.Scale(chart.Y.Max));
        if (chart.Series.Count > 1)
        {
            plot.ShowLegend(Edge.Bottom);
        }
        else
        {
            plot.HideLegend();
        }
    }

    private static void Draw(Plot plot, LineChart chart, ChartSeries series)
    {
        Color color = ChartPng.ColorOf(series.Color);
        ErrorBars(plot, chart, series, color);

        // A point without a number is a gap; one above the axis's end lies at its end.
        Scatter line = plot.Add.Scatter(
            series.Points.Select(p => chart.X.Scale(p.X)).ToArray(),
            series.Points.Select(p => double.IsFinite(p.Y) ? Math.Min(p.Y, chart.Y.Max) : double.NaN).ToArray());
        line.LegendText = series.Name;
        line.Color = color;
        line.LineWidth = series.Style switch { SeriesStyle.Predicted => 0, SeriesStyle.Measured => 2.2f, _ => 1.6f };
        line.LinePattern = series.Style == SeriesStyle.Reference ? LinePattern.Dashed : LinePattern.Solid;
        line.MarkerShape = series.Style switch
        {
            SeriesStyle.Measured => Filled(series.Shape),
            SeriesStyle.Predicted => Open(series.Shape),
            _ => ScottPlot.MarkerShape.None,
        };
        line.MarkerSize = MarkerSize;
        if (series.Style == SeriesStyle.Predicted)
        {
            line.MarkerLineWidth = 2;
        }

        foreach (ChartPoint beyond in series.Points.Where(chart.IsBeyond))
        {
            Marker arrow = plot.Add.Marker(chart.X.Scale(beyond.X), chart.Y.Max, ScottPlot.MarkerShape.FilledTriangleUp, MarkerSize, color);
            arrow.MarkerStyle.FillColor = color;
        }
    }

    private static void ErrorBars(Plot plot, LineChart chart, ChartSeries series, Color color)
    {
        ChartPoint[] points = [.. series.Points.Where(p => p.Interval is not null && double.IsFinite(p.Y))];
        if (points.Length == 0)
        {
            return;
        }

        var bars = new ErrorBar(
            [.. points.Select(p => chart.X.Scale(p.X))],
            [.. points.Select(p => p.Y)],
            xErrorsNegative: null,
            xErrorsPositive: null,
            yErrorsNegative: [.. points.Select(p => p.Y - p.Interval!.Value.Low)],
            yErrorsPositive: [.. points.Select(p => Math.Min(p.Interval!.Value.High, chart.Y.Max) - p.Y)])
        {
            Color = color,
            LineWidth = 1.4f,
            CapSize = 5,
        };
        plot.PlottableList.Add(bars);
    }

    private static void Labels(Plot plot, LineChart chart, ChartSeries series)
    {
        bool falls = series.Points[^1].Y < series.Points[0].Y;
        for (int i = 0; i < series.Points.Count; i++)
        {
            ChartPoint point = series.Points[i];
            if (point.Label is { } label)
            {
                Text text = plot.Add.Text(label, chart.X.Scale(point.X), point.Y);
                bool right = i < series.Points.Count - 1;
                text.LabelFontSize = 13;
                text.LabelFontColor = plot.Axes.Title.Label.ForeColor;
                text.LabelAlignment = (falls, right) switch
                {
                    (true, true) => Alignment.LowerLeft,
                    (true, false) => Alignment.LowerRight,
                    (false, true) => Alignment.UpperLeft,
                    (false, false) => Alignment.UpperRight,
                };
                (text.OffsetX, text.OffsetY) = (right ? 6 : -4, falls ? -5 : 6);
            }
        }
    }

    private static NumericManual Ticks(ChartAxis axis) => new([.. axis.Ticks.Select(t => axis.Scale(t.Value))], [.. axis.Ticks.Select(t => t.Label)]);

    private static ScottPlot.MarkerShape Filled(Plots.MarkerShape shape) => shape switch
    {
        Plots.MarkerShape.Circle => ScottPlot.MarkerShape.FilledCircle,
        Plots.MarkerShape.Square => ScottPlot.MarkerShape.FilledSquare,
        Plots.MarkerShape.Triangle => ScottPlot.MarkerShape.FilledTriangleUp,
        Plots.MarkerShape.Diamond => ScottPlot.MarkerShape.FilledDiamond,
        _ => throw new ArgumentOutOfRangeException(nameof(shape), shape, "There is no such marker."),
    };

    private static ScottPlot.MarkerShape Open(Plots.MarkerShape shape) => shape switch
    {
        Plots.MarkerShape.Circle => ScottPlot.MarkerShape.OpenCircle,
        Plots.MarkerShape.Square => ScottPlot.MarkerShape.OpenSquare,
        Plots.MarkerShape.Triangle => ScottPlot.MarkerShape.OpenTriangleUp,
        Plots.MarkerShape.Diamond => ScottPlot.MarkerShape.OpenDiamond,
        _ => throw new ArgumentOutOfRangeException(nameof(shape), shape, "There is no such marker."),
    };
}
