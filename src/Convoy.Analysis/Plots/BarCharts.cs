using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Plots;

/// <summary>Where a step's time goes, in each configuration.</summary>
internal static class PhaseChart
{
    private static readonly (string Name, PlotColor Color, Func<PhaseSeconds, double> Seconds)[] Phases =
    [
        ("data", PlotColor.Orange, p => p.Data),
        ("forward", PlotColor.Sky, p => p.Forward),
        ("backward", PlotColor.Blue, p => p.Backward),
        ("exposed communication", PlotColor.Vermillion, p => p.Comm),
        ("waiting for the slowest", PlotColor.Purple, p => p.Wait),
        ("optimizer", PlotColor.Green, p => p.Optimizer),
        ("other", PlotColor.Gray, p => p.Other),
    ];

    /// <summary>Null when no run recorded its phases.</summary>
    public static Chart? Make(Report report)
    {
        ConfigurationMeasurement[] measured = [.. report.Runs.Measurements.Where(m => m.Phases is not null)];
        if (measured.Length == 0)
        {
            return null;
        }

        var names = new ShortNames(report.Runs);
        double longest = measured.Max(m => m.Seconds);
        var unit = TimeUnit.For(longest);
        return new BarChart(
            "phases",
            "Where a step's time goes",
            string.Join(" ", measured.Select(m => Describe(names.For(m.Configuration), m.Phases!))),
            NiceTicks.FromZero($"time of one step ({unit.Name})", unit.Convert(longest)),
            [.. measured.Select(m => Row(names.For(m.Configuration), m, unit))],
            [.. Phases.Select(p => new LegendEntry(p.Name, p.Color))]);
    }

    private static BarRow Row(string name, ConfigurationMeasurement measured, TimeUnit unit) => new(
        name,
        [.. Phases.Select(p => new BarSegment(p.Name, p.Color, unit.Convert(p.Seconds(measured.Phases!)), Wording.Text($"{unit.Text(p.Seconds(measured.Phases!))}, {Wording.Percent(p.Seconds(measured.Phases!) / measured.Phases!.Total)}")))],
        unit.Text(measured.Seconds));

    private static string Describe(string name, PhaseSeconds phases)
    {
        var largest = Phases.Select(p => (p.Name, Share: p.Seconds(phases) / phases.Total)).OrderByDescending(p => p.Share).Take(2).ToArray();
        return $"{name}: most of the step is {largest[0].Name} ({Wording.Percent(largest[0].Share)}), then {largest[1].Name} ({Wording.Percent(largest[1].Share)}).";
    }
}

/// <summary>Memory of a rank in each configuration.</summary>
internal static class MemoryChart
{
    private const double MiB = 1 << 20;

    /// <summary>Null when no run recorded it.</summary>
    public static Chart? Make(Report report)
    {
        ConfigurationMeasurement[] measured = [.. report.Runs.Measurements.Where(m => m.Usage.PeakMemoryBytes > 0)];
        if (measured.Length == 0)
        {
            return null;
        }

        var names = new ShortNames(report.Runs);
        return new BarChart(
            "memory",
            "Memory of a rank",
            string.Join(" ", measured.Select(m => $"{names.For(m.Configuration)}: {Wording.Bytes(m.Usage.PeakMemoryBytes!.Value)} at most.")),
            NiceTicks.FromZero("largest resident set of a rank (MiB)", measured.Max(m => m.Usage.PeakMemoryBytes!.Value) / MiB),
            [.. measured.Select(Row)],
            [],
            "memory");

        BarRow Row(ConfigurationMeasurement m)
        {
            long bytes = m.Usage.PeakMemoryBytes!.Value;
            string text = Wording.Bytes(bytes);
            return new BarRow(names.For(m.Configuration), [new BarSegment(m.Configuration.Precision, PrecisionChart.ColorOf(report, m.Configuration.Precision), bytes / MiB, text)], text);
        }
    }
}

/// <summary>Precisions side by side, everything else the same.</summary>
internal static class PrecisionChart
{
    /// <summary>Null when no two configurations differ in their precision only.</summary>
    public static Chart? Make(Report report)
    {
        if (report.PrecisionGains.Count == 0)
        {
            return null;
        }

        var names = new ShortNames(report.Runs);
        double longest = report.PrecisionGains.Max(g => Math.Max(g.Seconds, g.AgainstSeconds));
        var unit = TimeUnit.For(longest);
        string basis = report.Runs.TimeNoun;
        return new BarChart(
            "precision",
            "What precision saves",
            string.Join(" ", report.PrecisionGains.Select(g => $"With {ShortNames.Processes(g.Processes)}, {g.Precision} takes {unit.Text(g.Seconds)} and {g.Against} {unit.Text(g.AgainstSeconds)}: {Change(g)}.")),
            NiceTicks.FromZero($"time of one {basis} ({unit.Name})", unit.Convert(longest)),
            [.. report.PrecisionGains.GroupBy(g => (g.Processes, g.Threads)).SelectMany(g => Rows([.. g]))],
            []);

        IEnumerable<BarRow> Rows(PrecisionGain[] gains)
        {
            yield return Row(gains[0], gains[0].Against, gains[0].AgainstSeconds, "");
            foreach (PrecisionGain gain in gains)
            {
                yield return Row(gain, gain.Precision, gain.Seconds, Wording.Text($" ({(gain.TimeSaved >= 0 ? "\u2212" : "+")}{Math.Abs(gain.TimeSaved) * 100:0.00} %)"));
            }
        }

        BarRow Row(PrecisionGain gain, string precision, double seconds, string change)
        {
            var configuration = new Configuration(gain.Processes, gain.Threads, precision);
            var interval = report.Runs.Measurements.First(m => m.Configuration == configuration).Interval;
            return new BarRow(
                names.For(configuration),
                [new BarSegment(precision, ColorOf(report, precision), unit.Convert(seconds), unit.Text(seconds, interval) + change)],
                unit.Text(seconds) + change,
                unit.Convert(interval));
        }
    }

    // The colour that the precision's first series has in the other charts.
    internal static PlotColor ColorOf(Report report, string precision) =>
        SeriesLook.Color(report.Series.TakeWhile(s => s.Series.Precision != precision).Count());

    private static string Change(PrecisionGain gain) =>
        Wording.Text($"{Math.Abs(gain.TimeSaved) * 100:0.00} % of the time {(gain.TimeSaved >= 0 ? "saved" : "lost")}");
}
