using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Scaling;
using Convoy.Analysis.Statistics;

namespace Convoy.Analysis.Plots;

/// <summary>Time, speed-up, efficiency and samples per second over the number of processes.</summary>
internal static class ScalingCharts
{
    // Beyond this many points, or with a second series, numbers beside points would lie on lines and on each other.
    private const int MostLabels = 8;

    /// <summary>None when no series has two numbers of processes.</summary>
    public static IEnumerable<Chart> Make(Report report)
    {
        if (report.Series.All(s => s.Series.Points.Count < 2))
        {
            yield break;
        }

        var names = new ShortNames(report.Runs);
        ScalingPoint[] all = [.. report.Series.SelectMany(s => s.Series.Points)];
        ChartAxis x = ProcessAxis.Make(all.Select(p => p.Processes));
        string noun = report.Runs.TimeNoun;
        var unit = TimeUnit.For(all.Max(p => p.Measurement.Seconds));
        yield return Chart(
            "time",
            $"Time of one {noun}",
            $"time of one {noun}",
            unit.Name,
            p => unit.Convert(p.Measurement.Seconds),
            p => unit.Convert(p.Measurement.Interval),
            v => $"{TimeUnit.Digits(v)} {unit.Name}");
        yield return Chart("speedup", "Speed-up", $"speed-up against {ShortNames.Processes(report.BaselineProcesses)}", "", p => p.Speedup, p => p.SpeedupInterval, v => Wording.Text($"{v:0.00}"), Ideal(report, x, n => n));
        yield return Chart("efficiency", "Efficiency", "efficiency", "%", p => p.Efficiency * 100, p => Percent(p.EfficiencyInterval), v => Wording.Text($"{v:0.0} %"), Ideal(report, x, _ => null));
        if (all.All(p => p.Measurement.SamplesPerSecond is not null))
        {
            string samples = $"{report.Runs.SampleNoun}s";
            yield return Chart(
                "throughput",
                $"{char.ToUpperInvariant(samples[0])}{samples[1..]} per second",
                "throughput",
                $"{samples}/s",
                p => p.Measurement.SamplesPerSecond!.Value,
                p => p.Measurement.Interval is { } i ? new Interval(SamplesOfOneTime(p) / i.High, SamplesOfOneTime(p) / i.Low) : null,
                v => Wording.Text($"{v:0.00} {samples}/s"));
        }

        LineChart Chart(string name, string title, string axis, string unitName, Func<ScalingPoint, double> value, Func<ScalingPoint, Interval?> interval, Func<double, string> text, ChartSeries? ideal = null)
        {
            bool labelled = report.Series.Count == 1 && all.Length <= MostLabels;
            ChartSeries[] series =
            [
                .. ideal is null ? [] : new[] { ideal },
                .. report.Series.Select((s, i) => new ChartSeries(
                    names.For(s.Series),
                    SeriesLook.Color(i),
                    SeriesStyle.Measured,
                    [.. s.Series.Points.Select(p => Point(p, value(p), interval(p), text, labelled))],
                    SeriesLook.Shape(i))),
            ];
            double top = series.SelectMany(s => s.Points).Max(p => Math.Max(p.Y, p.Interval?.High ?? 0));
            return new LineChart(name, title, Describe(report, names, axis, value, text), x, NiceTicks.WithHeadroom(NiceTicks.FromZero(unitName.Length > 0 ? $"{axis} ({unitName})" : axis, top), top), series);
        }
    }

    private static double SamplesOfOneTime(ScalingPoint point) => point.Measurement.SamplesPerSecond!.Value * point.Measurement.Seconds;

    private static ChartPoint Point(ScalingPoint point, double value, Interval? interval, Func<double, string> text, bool labelled) => new(
        point.Processes,
        value,
        ShortNames.Processes(point.Processes),
        text(value) + (interval is { } i ? $", 95 % interval {text(i.Low)} to {text(i.High)}" : ""),
        interval,
        labelled ? text(value).Split(' ')[0] : null);

    // Perfect scaling from the baseline on: N / N0 times as fast, or an efficiency of 100 %.
    private static ChartSeries Ideal(Report report, ChartAxis x, Func<double, double?> processes)
    {
        int first = report.BaselineProcesses, last = report.Series.Max(s => s.Series.Largest.Processes);
        // On a logarithmic axis the line is a curve.
        int pieces = x.IsLogarithmic ? 32 : 1;
        return new ChartSeries("ideal", PlotColor.Gray, SeriesStyle.Reference, [.. Enumerable.Range(0, pieces + 1).Select(i => At(first * Math.Pow((double)last / first, (double)i / pieces)))]);

        ChartPoint At(double n) => processes(n) is { } p
            ? new ChartPoint(n, p / first, Wording.Text($"{n:0.#} processes"), Wording.Text($"{p / first:0.00}"))
            : new ChartPoint(n, 100, Wording.Text($"{n:0.#} processes"), "100 %");
    }

    private static Interval? Percent(Interval? share) => share is { } i ? new Interval(i.Low * 100, i.High * 100) : null;

    private static string Describe(Report report, ShortNames names, string axis, Func<ScalingPoint, double> value, Func<double, string> text) => string.Join(
        " ",
        report.Series.Where(s => s.Series.Points.Count > 1).Select(s =>
        {
            ScalingPoint first = s.Series.Baseline, last = s.Series.Largest;
            string series = report.Series.Count > 1 ? $"In {names.For(s.Series)}, the {axis}" : $"The {axis}";
            string goes = value(last) > value(first) ? "rises" : value(last) < value(first) ? "falls" : "goes";
            return Wording.Text($"{series} {goes} from {text(value(first))} with {ShortNames.Processes(first.Processes)} to {text(value(last))} with {last.Processes}.");
        }));
}

/// <summary>What was measured, the law fitted to it, and what it predicts.</summary>
internal static class PredictionChart
{
    // Intervals that reach further than this many times the largest time are cut off, or nothing else could be seen.
    private const double LargestStretch = 2.5;
    private const int CurvePieces = 48;

    /// <summary>Null when nothing was predicted.</summary>
    public static Chart? Make(Report report)
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
            string.Join(" ", predicted.SelectMany(s => s.Predictions).Select(p => $"{p.ModelName} expects {unit.Text(p.Seconds)} with {ShortNames.Processes(p.Processes)} in {PrecisionName.InWords(p.Precision)}{Network(p.Link)}, between {unit.Text(p.Interval.Low)} and {unit.Text(p.Interval.High)}.")),
            ProcessAxis.Make(predicted.SelectMany(s => s.Series.Points.Select(p => p.Processes).Concat(s.Predictions.Select(p => p.Processes)))),
            NiceTicks.FromZero($"time for the work of {ShortNames.Processes(report.BaselineProcesses)} ({unit.Name})", unit.Convert(Math.Max(top, largest))),
            series);
    }

    private static IEnumerable<ChartSeries> SeriesOf(SeriesReport report, int index, ShortNames names, TimeUnit unit)
    {
        string name = names.For(report.Series);
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
                [.. network.OrderBy(p => p.Processes).Select(p => new ChartPoint(p.Processes, unit.Convert(p.Seconds), ShortNames.Processes(p.Processes), unit.Text(p.Seconds, p.Interval), unit.Convert(p.Interval)))],
                SeriesLook.Shape(index + (network.Key is null ? 0 : 3)));
        }
    }

    private static ChartPoint Modelled(FittedModel fit, double processes, TimeUnit unit) =>
        new(processes, unit.Convert(fit.Seconds(processes)), Wording.Text($"{processes:0.#} processes"), unit.Text(fit.Seconds(processes)));

    private static ChartPoint Measured(ScalingPoint point, TimeUnit unit) =>
        new(point.Processes, unit.Convert(point.WorkSeconds), ShortNames.Processes(point.Processes), unit.Text(point.WorkSeconds));

    private static string Network(Link? link) => link is null ? "" : Wording.Text($" at {link.GigabitsPerSecond} Gbit/s");
}
