using Convoy.Analysis.Bottlenecks;
using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Reports;

/// <summary>What a reader should take away, in plain sentences.</summary>
internal static class SummaryWriter
{
    public static IReadOnlyList<string> Write(
        RunSet runs,
        IReadOnlyList<SeriesReport> series,
        IReadOnlyList<Cause> causes,
        Recommendation recommendation,
        IReadOnlyList<PrecisionGain> gains,
        CostEstimate? costs)
    {
        var sentences = new List<string>();
        if (!runs.HasComparableWork)
        {
            sentences.Add($"{recommendation.Configuration} {(recommendation.Configuration.Processes == 1 ? "takes" : "take")} the least time, {Wording.Seconds(runs.Measurements.Min(m => m.Seconds))} a run. Whether that is as much work as the others did is not known, so nothing is recommended.");
        }
        else if (runs.Measurements.Count > 1)
        {
            sentences.Add($"Use {recommendation.Configuration}: {recommendation.Reason}{(recommendation.IsCertain ? "" : " The two are closer than their noise.")}");
        }

        sentences.AddRange(series.Where(s => s.Series.Points.Count > 1).Select(Fastest));
        if (causes.Count > 0)
        {
            sentences.Add($"Main cause of lost time: {LowerFirst(causes[0].Title)}. {causes[0].Explanation} {causes[0].Advice}");
        }
        else if (series.Any(s => s.Series.Points.Count > 1))
        {
            sentences.Add("No cause takes enough time to be named.");
        }

        sentences.AddRange(gains.Select(g => $"{Gain(g)}{Offer(runs, g)}"));
        if (costs is not null)
        {
            Cost cheapest = costs.Costs.MinBy(c => c.Price)!;
            sentences.Add($"Cheapest for one {costs.Unit}: {cheapest.Configuration}, {Wording.Text($"{cheapest.Price:0.####}")}.");
        }

        return sentences;
    }

    private static string Gain(PrecisionGain gain) => gain.TimeSaved >= 0
        ? Wording.Text($"{gain.Precision} saves {gain.TimeSaved * 100:0.00} % of the time of {gain.Against} with {Processes(gain.Processes)}.")
        : Wording.Text($"{gain.Precision} takes {-gain.TimeSaved * 100:0.00} % more time than {gain.Against} with {Processes(gain.Processes)}.");

    // Beside what training gains, what the machine offers.
    private static string Offer(RunSet runs, PrecisionGain gain) => PrecisionKernels.Offer(runs, gain) is not { } offer ? ""
        : PrecisionKernels.Examine(runs, [gain]).Count > 0 ? Wording.Text($" The machine multiplies matrices {offer:0.0} times as fast in it: the kernels do not use that.")
        : Wording.Text($" The machine multiplies matrices {offer:0.0} times as fast in it.");

    private static string Fastest(SeriesReport report)
    {
        ScalingPoint best = report.Series.Points.MaxBy(p => p.Speedup)!;
        string threads = report.Series.Threads is { } t ? Wording.Text($" with {t} {(t == 1 ? "thread" : "threads")} each") : "";
        return best == report.Series.Baseline
            ? $"In {PrecisionName.InWords(report.Series.Precision)}{threads}, nothing is faster than {Processes(best.Processes)}."
            : Wording.Text($"In {PrecisionName.InWords(report.Series.Precision)}{threads}, {Processes(best.Processes)} are {best.Speedup:0.00} times as fast as {report.Series.Baseline.Processes}, an efficiency of {best.Efficiency * 100:0.0} %.");
    }

    private static string Processes(int count) => Wording.Text($"{count} {(count == 1 ? "process" : "processes")}");

    private static string LowerFirst(string text) => char.ToLowerInvariant(text[0]) + text[1..];
}
