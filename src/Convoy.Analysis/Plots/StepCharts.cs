using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Plots;

/// <summary>Loss and time of every step, of the first run of each configuration.</summary>
internal static class StepCharts
{
    // More points than this are not seen in a chart of this size; runs of steps become one point then.
    private const int MostPoints = 120;

    // A first step that takes many times as long as the others would press them flat: the axis ends this far above those that count.
    private const double Headroom = 1.3;

    /// <summary>Null when no loss is recorded.</summary>
    public static Chart? Loss(Report report)
    {
        var names = new ShortNames(report.Runs);
        Curve[] curves = [.. Curves(report, names, s => s.Loss, v => Wording.Text($"{v:0.0000}"))];
        double[] finite = [.. curves.SelectMany(c => c.Points).Select(p => p.Y).Where(double.IsFinite)];
        return finite.Length == 0 ? null : new LineChart(
            "loss",
            "Loss of every step",
            $"{string.Join(" ", curves.Select(LossInWords))}{Thinned(curves)}",
            StepAxis(curves),
            NiceTicks.FromZero("loss, mean over the global batch", finite.Max(), finite.Min()),
            [.. curves.Select((c, i) => Series(c, i))]);
    }

    /// <summary>Null when steps have no times.</summary>
    public static Chart? Seconds(Report report)
    {
        var names = new ShortNames(report.Runs);
        double[] counted = [.. report.Runs.Measurements.SelectMany(m => m.Runs[0].Steps).Where(s => !s.IsWarmUp && s.Seconds is not null).Select(s => s.Seconds!.Value)];
        if (counted.Length == 0)
        {
            return null;
        }

        var unit = TimeUnit.For(counted.Max());
        Curve[] curves = [.. Curves(report, names, s => s.Seconds is { } t ? unit.Convert(t) : null, v => $"{TimeUnit.Digits(v)} {unit.Name}")];
        double largest = curves.SelectMany(c => c.Points).Max(p => p.Y);
        ChartAxis axis = NiceTicks.FromZero($"time of the step ({unit.Name})", Math.Min(largest, unit.Convert(counted.Max()) * Headroom));
        var chart = new LineChart(
            "step-time",
            "Time of every step",
            $"{string.Join(" ", curves.Select(c => TimesInWords(c, unit)))}{(largest > axis.Max ? " An arrow at the upper edge is a step beyond it." : "")}{Thinned(curves)}",
            StepAxis(curves),
            axis,
            [.. curves.Select((c, i) => Series(c, i))]);
        long[] ends = [.. curves.Select(c => c.WarmUpEnd).Distinct()];
        return ends is [> 0] ? chart with { LeftOutUntil = ends[0] } : chart;
    }

    private static IEnumerable<Curve> Curves(Report report, ShortNames names, Func<RunStep, double?> value, Func<double, string> text)
    {
        foreach (ConfigurationMeasurement measured in report.Runs.Measurements)
        {
            Numbered[] steps = [.. Number(measured.Runs[0].Steps).Where(s => value(s.Step) is not null)];
            if (steps.Length > 0)
            {
                int size = (steps.Length + MostPoints - 1) / MostPoints;
                yield return new Curve(
                    names.For(measured.Configuration),
                    [.. steps.Chunk(size).Select(c => Point(c, value, text))],
                    size,
                    steps.Where(s => s.Step.IsWarmUp).Select(s => s.Number).DefaultIfEmpty(0).Max(),
                    measured);
            }
        }
    }

    // Where step numbers go back (a new epoch that counts from 1), records are numbered through.
    private static IEnumerable<Numbered> Number(IReadOnlyList<RunStep> steps)
    {
        bool grows = steps.Zip(steps.Skip(1), (one, next) => next.Step > one.Step).All(g => g);
        return steps.Select((s, i) => new Numbered(grows ? s.Step : i + 1, s));
    }

    private static ChartPoint Point(Numbered[] steps, Func<RunStep, double?> value, Func<double, string> text)
    {
        double mean = steps.Average(s => value(s.Step)!.Value);
        string place = steps.Length == 1 ? Wording.Text($"step {steps[0].Number}") : Wording.Text($"steps {steps[0].Number} to {steps[^1].Number}");
        return new ChartPoint(
            steps[^1].Number,
            double.IsFinite(mean) ? mean : double.NaN,
            place,
            (double.IsFinite(mean) ? text(mean) : "not a number") + (steps[^1].Step.IsWarmUp ? ", warm-up, left out" : ""));
    }

    private static ChartSeries Series(Curve curve, int index) => new(curve.Name, SeriesLook.Color(index), SeriesStyle.Trace, curve.Points, SeriesLook.Shape(index));

    private static ChartAxis StepAxis(Curve[] curves) =>
        NiceTicks.Whole("step", Math.Min(1, (long)curves.Min(c => c.Points[0].X)), (long)curves.Max(c => c.Points[^1].X));

    private static string LossInWords(Curve curve)
    {
        ChartPoint[] finite = [.. curve.Points.Where(p => double.IsFinite(p.Y))];
        return finite.Length == 0
            ? $"{curve.Name}: no loss is a number."
            : Wording.Text($"{curve.Name}: from {finite[0].Y:0.000} to {finite[^1].Y:0.000}{(finite.Length < curve.Points.Count ? ", with gaps where it is not a number" : "")}.");
    }

    private static string TimesInWords(Curve curve, TimeUnit unit) => Wording.Text(
        $"{curve.Name}: median {unit.Text(curve.Measurement.Seconds)}{(curve.WarmUpEnd > 0 ? Wording.Text($", steps up to {curve.WarmUpEnd} left out as warm-up") : "")}.");

    private static string Thinned(Curve[] curves) =>
        curves.Max(c => c.StepsPerPoint) is > 1 and var most ? Wording.Text($" A point is the mean of up to {most} steps.") : "";

    private sealed record Numbered(long Number, RunStep Step);

    private sealed record Curve(string Name, IReadOnlyList<ChartPoint> Points, int StepsPerPoint, long WarmUpEnd, ConfigurationMeasurement Measurement);
}
