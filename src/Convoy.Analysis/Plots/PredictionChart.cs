using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Plots;

/// <summary>What was measured, the law fitted to it, and what it foretells.</summary>
internal static class PredictionChart
{
    // Intervals that reach further than this many times the largest time are cut off, or nothing else could be seen.
    private const double LargestStretch = 2.5;
    private const int CurvePieces = 48;

    /// <summary>Null when nothing was predicted.</summary>
    public static Chart? Of(Report report)
    {
        SeriesReport[] predicted = [.. report.Series.Where(s => s.Predictions.Count > 0)];
        if (predicted.Length == 0)
        {
            return null;
        }

        var names = new ShortNames(report.Runs);
        double largest = predicted.Max(s => Math.Max(s.Series.Points.Max(p => p.WorkSeconds), s.Predictions.Max(p => p.Seconds)));
        double top = Math.Min(predicted.Max(s => s.Predictions.Max(p => p.Interval.High)), largest * LargestStretch);
        var unit = TimeUnit.For(largest);
        ChartSeries[] series = [.. predicted.SelectMany(s => SeriesOf(s, report.Series.TakeWhile(x => x != s).Count(), names, unit))];
        return new LineChart(
            "prediction",
            "Predicted times",
            string.Join(" ", predicted.SelectMany(s => s.Predictions).Select(p => $"{p.ModelName} expects {unit.Text(p.Seconds)} with {ShortNames.Processes(p.Processes)} in {p.Precision}{Network(p.Link)}, between {unit.Text(p.Interval.Low)} and {unit.Text(p.Interval.High)}.")),
            ProcessAxis.Of(predicted.SelectMany(s => s.Series.Points.Select(p => p.Processes).Concat(s.Predictions.Select(p => p.Processes)))),
            NiceTicks.FromZero($"time for the work of {ShortNames.Processes(report.BaselineProcesses)} ({unit.Name})", unit.Of(Math.Max(top, largest))),
            series);
    }

    private static IEnumerable<ChartSeries> SeriesOf(SeriesReport report, int index, ShortNames names, TimeUnit unit)
    {
        string name = names.Of(report.Series);
        if (report.Models.Best is { } best)
        {
            double first = report.Series.Baseline.Processes, last = Math.Max(report.Series.Largest.Processes, report.Predictions.Max(p => p.Processes));
            yield return new ChartSeries($"{name}, {best.Fit.Model.Name}", PlotColor.Gray, SeriesStyle.Reference, [.. Enumerable.Range(0, CurvePieces + 1).Select(i => Modelled(best.Fit, first * Math.Pow(last / first, (double)i / CurvePieces), unit))]);
        }

        yield return new ChartSeries($"{name}, measured", SeriesLook.Color(index), SeriesStyle.Measured, [.. report.Series.Points.Select(p => Measured(p, unit))], SeriesLook.Shape(index));
        foreach (IGrouping<Link?, Prediction> network in report.Predictions.GroupBy(p => p.Link))
        {
            yield return new ChartSeries(
                $"{name}, predicted{Network(network.Key)}",
                network.Key is null ? SeriesLook.Color(index) : SeriesLook.Color(index + 3),
                SeriesStyle.Predicted,
                [.. network.OrderBy(p => p.Processes).Select(p => new ChartPoint(p.Processes, unit.Of(p.Seconds), ShortNames.Processes(p.Processes), unit.Text(p.Seconds, p.Interval), unit.Of(p.Interval)))],
                SeriesLook.Shape(index + (network.Key is null ? 0 : 3)));
        }
    }

    private static ChartPoint Modelled(FittedModel fit, double processes, TimeUnit unit) =>
        new(processes, unit.Of(fit.Seconds(processes)), Wording.Text($"{processes:0.#} processes"), unit.Text(fit.Seconds(processes)));

    private static ChartPoint Measured(ScalingPoint point, TimeUnit unit) =>
        new(point.Processes, unit.Of(point.WorkSeconds), ShortNames.Processes(point.Processes), unit.Text(point.WorkSeconds));

    private static string Network(Link? link) => link is null ? "" : Wording.Text($" at {link.GigabitsPerSecond} Gbit/s");
}
