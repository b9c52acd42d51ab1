using System.Text;
using Convoy.Analysis.Plots;

namespace Convoy.Analysis.Rendering.Charts;

/// <summary>Draws a <see cref="LineChart"/>.</summary>
internal static class LineChartDrawing
{
    private const double PlotHeight = 220;
    private const double Radius = 4;
    private const double Cap = 4;

    /// <returns>The height of the drawing.</returns>
    public static double Draw(ChartCanvas canvas, LineChart chart)
    {
        canvas.Label(0, ChartDrawing.FontSize, chart.Y.Title, "start axis-title");
        double top = 22;
        if (chart.Series.Count > 1)
        {
            top += ChartLegend.Draw(canvas, chart.Series, 0, top) + 2;
        }

        double left = Math.Ceiling(chart.Y.Ticks.Max(t => ChartDrawing.WidthOf(t.Label))) + 8;
        var frame = new ChartFrame(left, top + 8, ChartDrawing.Width - left - 8, PlotHeight);
        LeftOut(canvas, chart, frame);
        Axes(canvas, chart, frame);
        foreach (ChartSeries series in chart.Series)
        {
            Lines(canvas, chart, series, frame);
        }

        foreach (ChartSeries series in chart.Series)
        {
            Labels(canvas, chart, series, frame);
        }

        foreach (ChartSeries series in chart.Series.Where(s => s.Style != SeriesStyle.Reference))
        {
            Targets(canvas, chart, series, frame);
        }

        return frame.Bottom + 42;
    }

    private static void LeftOut(ChartCanvas canvas, LineChart chart, ChartFrame frame)
    {
        if (chart.LeftOutUntil is { } until)
        {
            canvas.Rectangle(frame.Left, frame.Top, frame.X(chart.X.Fraction(until)) - frame.Left, frame.Height, "left-out")
                .Label(frame.X(chart.X.Fraction(until)) + 4, frame.Top + ChartDrawing.FontSize, "\u2190 warm-up", "start muted");
        }
    }

    private static void Axes(ChartCanvas canvas, LineChart chart, ChartFrame frame)
    {
        foreach (AxisTick tick in chart.Y.Ticks)
        {
            double y = frame.Y(chart.Y.Fraction(tick.Value));
            canvas.Line(frame.Left, y, frame.Right, y, tick.Value == 0 ? "axis" : "grid").Label(frame.Left - 6, y + 4, tick.Label, "end");
        }

        foreach (AxisTick tick in chart.X.Ticks)
        {
            double x = frame.X(chart.X.Fraction(tick.Value));
            canvas.Line(x, frame.Bottom, x, frame.Bottom + 4, "axis").Label(x, frame.Bottom + 17, tick.Label, "middle");
        }

        canvas.Label(frame.X(0.5), frame.Bottom + 36, chart.X.Title, "middle axis-title");
    }

    private static void Lines(ChartCanvas canvas, LineChart chart, ChartSeries series, ChartFrame frame)
    {
        string color = ChartCanvas.Class(series.Color);
        if (series.Style != SeriesStyle.Predicted)
        {
            canvas.Path(Curve(chart, series, frame), $"{(series.Style switch { SeriesStyle.Reference => "reference", SeriesStyle.Trace => "trace", _ => "curve" })} {color}");
        }

        if (series.Style == SeriesStyle.Reference)
        {
            return;
        }

        foreach (ChartPoint point in series.Points.Where(p => double.IsFinite(p.Y)))
        {
            (double x, double y) = Place(chart, point, frame);
            if (point.Interval is { } interval)
            {
                double low = frame.Y(chart.Y.Fraction(interval.Low)), high = frame.Y(chart.Y.Fraction(interval.High));
                canvas.Path($"M{N(x - Cap)} {N(low)}h{N(2 * Cap)}M{N(x)} {N(low)}V{N(high)}M{N(x - Cap)} {N(high)}h{N(2 * Cap)}", $"error {color}");
            }

            if (chart.IsBeyond(point))
            {
                canvas.Marker(MarkerShape.Triangle, x, y + 4, Radius, $"marker {color}");
            }
            else if (series.Style != SeriesStyle.Trace)
            {
                canvas.Marker(series.Shape, x, y, Radius, $"{(series.Style == SeriesStyle.Predicted ? "hollow" : "marker")} {color}");
            }
        }
    }

    // Numbers stand where the line is not: above to the right where it falls, below to the right where it rises.
    private static void Labels(ChartCanvas canvas, LineChart chart, ChartSeries series, ChartFrame frame)
    {
        for (int i = 0; i < series.Points.Count; i++)
        {
            if (series.Points[i].Label is not { } label)
            {
                continue;
            }

            (double x, double y) = Place(chart, series.Points[i], frame);
            bool falls = series.Points[^1].Y < series.Points[0].Y;
            bool fits = x + 7 + ChartDrawing.WidthOf(label) <= ChartDrawing.Width;
            double above = fits ? -7 : -10, below = fits ? 16 : 19;
            canvas.Label(fits ? x + 7 : x + 4, y + (falls ? above : below), label, $"value {(fits ? "start" : "end")}");
        }
    }

    private static void Targets(ChartCanvas canvas, LineChart chart, ChartSeries series, ChartFrame frame)
    {
        foreach (ChartPoint point in series.Points.Where(p => double.IsFinite(p.Y)))
        {
            (double x, double y) = Place(chart, point, frame);
            canvas.TargetCircle(x, y, series.Style == SeriesStyle.Trace ? 5 : 10, $"{series.Name}, {point.XText}: {point.YText}", series.Color);
        }
    }

    private static string Curve(LineChart chart, ChartSeries series, ChartFrame frame)
    {
        var path = new StringBuilder();
        bool draws = false;
        foreach (ChartPoint point in series.Points)
        {
            if (!double.IsFinite(point.Y))
            {
                draws = false;
                continue;
            }

            (double x, double y) = Place(chart, point, frame);
            path.Append(draws ? 'L' : 'M').Append(N(x)).Append(' ').Append(N(y));
            draws = true;
        }

        return path.ToString();
    }

    private static (double X, double Y) Place(LineChart chart, ChartPoint point, ChartFrame frame) =>
        (frame.X(chart.X.Fraction(point.X)), frame.Y(chart.Y.Fraction(point.Y)));

    private static string N(double value) => ChartCanvas.Number(value);
}
