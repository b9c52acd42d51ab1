using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Plots;

/// <summary>Precisions side by side, everything else the same.</summary>
internal static class PrecisionChart
{
    /// <summary>Null when no two configurations differ in their precision only.</summary>
    public static Chart? Of(Report report)
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
            NiceTicks.FromZero($"time of one {basis} ({unit.Name})", unit.Of(longest)),
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
                names.Of(configuration),
                [new BarSegment(precision, ColorOf(report, precision), unit.Of(seconds), unit.Text(seconds, interval) + change)],
                unit.Text(seconds) + change,
                unit.Of(interval));
        }
    }

    // The colour that the precision's first series has in the other charts.
    private static PlotColor ColorOf(Report report, string precision) =>
        SeriesLook.Color(report.Series.TakeWhile(s => s.Series.Precision != precision).Count());

    private static string Change(PrecisionGain gain) =>
        Wording.Text($"{Math.Abs(gain.TimeSaved) * 100:0.00} % of the time {(gain.TimeSaved >= 0 ? "saved" : "lost")}");
}
