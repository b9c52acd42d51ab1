using Convoy.Analysis.Plots;

namespace Convoy.Analysis.Rendering.Charts;

/// <summary>Draws a <see cref="BarChart"/>.</summary>
internal static class BarChartDrawing
{
    private const double RowHeight = 28;
    private const double BarHeight = 17;
    private const double Cap = 4;

    /// <returns>The height of the drawing.</returns>
    public static double Draw(ChartCanvas canvas, BarChart chart)
    {
        double top = chart.Legend.Count > 0 ? ChartLegend.Draw(canvas, chart.Legend, 0, 0) + 6 : 0;
        double left = Math.Ceiling(chart.Rows.Max(r => ChartDrawing.WidthOf(r.Label))) + 8;
        double right = Math.Ceiling(chart.Rows.Max(r => ChartDrawing.WidthOf(r.Text) - ((1 - chart.X.Fraction(End(r))) * (ChartDrawing.Width - left)))) + 8;
        var frame = new ChartFrame(left, top, ChartDrawing.Width - left - Math.Max(right, 12), RowHeight * chart.Rows.Count);
        foreach (AxisTick tick in chart.X.Ticks)
        {
            double x = frame.X(chart.X.Fraction(tick.Value));
            canvas.Line(x, frame.Top, x, frame.Bottom, tick.Value == 0 ? "axis" : "grid").Label(x, frame.Bottom + 15, tick.Label, "middle");
        }

        canvas.Label(frame.X(0.5), frame.Bottom + 34, chart.X.Title, "middle axis-title");
        for (int i = 0; i < chart.Rows.Count; i++)
        {
            Row(canvas, chart, chart.Rows[i], frame, frame.Top + (i * RowHeight) + ((RowHeight - BarHeight) / 2));
        }

        return frame.Bottom + 40;
    }

    private static void Row(ChartCanvas canvas, BarChart chart, BarRow row, ChartFrame frame, double y)
    {
        canvas.Label(frame.Left - 6, y + 13, row.Label, "end");
        double from = 0;
        foreach (BarSegment segment in row.Segments)
        {
            canvas.Rectangle(frame.X(chart.X.Fraction(from)), y, Width(chart, frame, from, segment), BarHeight, $"bar {ChartCanvas.Class(segment.Color)}");
            from += segment.Value;
        }

        if (row.Interval is { } interval)
        {
            double low = frame.X(chart.X.Fraction(interval.Low)), high = frame.X(chart.X.Fraction(interval.High)), middle = y + (BarHeight / 2);
            canvas.Path($"M{N(low)} {N(middle - Cap)}v{N(2 * Cap)}M{N(low)} {N(middle)}H{N(high)}M{N(high)} {N(middle - Cap)}v{N(2 * Cap)}", "error ink");
        }

        canvas.Label(frame.X(chart.X.Fraction(End(row))) + 6, y + 13, row.Text, "start value");
        from = 0;
        foreach (BarSegment segment in row.Segments)
        {
            if (segment.Value > 0)
            {
                string name = row.Segments.Count > 1 ? $"{row.Label}, {segment.Name}" : row.Label;
                canvas.TargetRectangle(frame.X(chart.X.Fraction(from)), y, Width(chart, frame, from, segment), BarHeight, $"{name}: {segment.Text}", segment.Color);
            }

            from += segment.Value;
        }
    }

    private static double End(BarRow row) => Math.Max(row.Total, row.Interval?.High ?? 0);

    private static double Width(BarChart chart, ChartFrame frame, double from, BarSegment segment) =>
        frame.X(chart.X.Fraction(from + segment.Value)) - frame.X(chart.X.Fraction(from));

    private static string N(double value) => ChartCanvas.Number(value);
}
