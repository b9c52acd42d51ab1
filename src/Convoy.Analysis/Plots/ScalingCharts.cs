using Convoy.Analysis.Conclusions;
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
    public static IEnumerable<Chart> Of(Report report)
    {
        if (report.Series.All(s => s.Series.Points.Count < 2))
        {
            yield break;
        }

        var names = new ShortNames(report.Runs);
        ScalingPoint[] all = [.. report.Series.SelectMany(s => s.Series.Points)];
        ChartAxis x = ProcessAxis.Of(all.Select(p => p.Processes));
        string noun = report.Runs.TimeNoun;
        var unit = TimeUnit.For(all.Max(p => p.Measurement.Seconds));
        yield return Chart(
            "time",
            $"Time of one {noun}",
            $"time of one {noun}",
            unit.Name,
            p => unit.Of(p.Measurement.Seconds),
            p => unit.Of(p.Measurement.Interval),
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
                    names.Of(s.Series),
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

    private static string Describe(Report report, ShortNames names, string what, Func<ScalingPoint, double> value, Func<double, string> text) => string.Join(
        " ",
        report.Series.Where(s => s.Series.Points.Count > 1).Select(s =>
        {
            ScalingPoint first = s.Series.Baseline, last = s.Series.Largest;
            string series = report.Series.Count > 1 ? $"In {names.Of(s.Series)}, the {what}" : $"The {what}";
            string goes = value(last) > value(first) ? "rises" : value(last) < value(first) ? "falls" : "goes";
            return Wording.Text($"{series} {goes} from {text(value(first))} with {ShortNames.Processes(first.Processes)} to {text(value(last))} with {last.Processes}.");
        }));
}
