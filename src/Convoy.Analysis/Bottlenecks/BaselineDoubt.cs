using Convoy.Analysis.Runs;
using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>An efficiency that cannot be: more than the processes should bring is a fault of what they are compared with.</summary>
internal static class BaselineDoubt
{
    /// <summary>From which efficiency on it is remarked upon.</summary>
    public const double Efficiency = 1.1;

    // How much more processor time a sample may take in the baseline before that is named, and how much of its time it may be off the cores.
    private const double Excess = 1.05, OffCore = 0.1;

    /// <summary>What to say of baselines that did not have their cores while they were measured; null where all did, or it was not recorded.</summary>
    public static string? Disturbed(IEnumerable<ScalingSeries> series)
    {
        string[] disturbed =
        [
            .. series.Where(s => !new ScalingCase(s, s.Baseline, new ModelChoice([])).IsOversubscribed(s.Baseline.Measurement))
                .Select(s => s.Baseline.Measurement)
                .Where(m => m.QueueShare > OffCore)
                .Select(m => $"{m.Configuration} for {Wording.Percent(m.QueueShare!.Value)} of its time"),
        ];
        return disturbed.Length == 0 ? null
            : $"Other programs had the cores while the configurations were measured that speed-ups are against: {string.Join(", ", disturbed)}. The times say little of the machine alone; measure again with nothing else running.";
    }

    /// <summary>What to say of a series whose efficiency passes the limit, with the likely cause; null where none does.</summary>
    public static string? Of(ScalingSeries series)
    {
        ScalingPoint highest = series.Points.MaxBy(p => p.Efficiency)!;
        if (highest.Efficiency <= Efficiency)
        {
            return null;
        }

        Configuration best = highest.Measurement.Configuration, baseline = series.Baseline.Measurement.Configuration;
        return $"The efficiency of {best} is {Wording.Percent(highest.Efficiency)}, more than the processes can bring: the fault is most likely with {baseline}, which it is against. {Cause(series, highest)}";
    }

    private static string Cause(ScalingSeries series, ScalingPoint highest)
    {
        ConfigurationMeasurement baseline = series.Baseline.Measurement, best = highest.Measurement;
        if (baseline.QueueShare > OffCore)
        {
            return $"It was ready to run, without a core, for {Wording.Percent(baseline.QueueShare.Value)} of its time: other programs had it. Measure it again with nothing else running.";
        }

        if (baseline.Interval?.RelativeHalfWidth(baseline.Seconds) is > Thresholds.NoiseHalfWidth and { } width)
        {
            return $"Its time varies by {Wording.Percent(width)} to either side: it was disturbed. Measure it again, with more repeats and nothing else running.";
        }

        if (baseline.Configuration.Threads is { } threads && best.Configuration.Threads is { } fewer && threads > fewer)
        {
            return Wording.Text($"It computes with {threads} threads in each process and {best.Configuration} with {fewer}: more threads help little here. Compare with the same threads in each process.");
        }

        if (baseline.Phases is { } phases && phases.Data > Thresholds.InferredShare * baseline.Seconds)
        {
            return $"It waits for data for {Wording.Percent(phases.Data / baseline.Seconds)} of its time.";
        }

        if (baseline.Usage.CpuSeconds is { } cpu)
        {
            double busy = baseline.Seconds - (baseline.Phases is { } p ? p.Data + p.Wait + p.Comm : 0);
            if (baseline.Configuration.Threads is null or 1 && busy - cpu > OffCore * baseline.Seconds)
            {
                return $"Of its {Wording.Seconds(baseline.Seconds)} it was on a core for {Wording.Seconds(cpu)} only: other programs had it. Measure it again with nothing else running.";
            }

            if (best.Usage.CpuSeconds is { } later && cpu > Excess * new ScalingCase(series, highest, Models: new ModelChoice([])).Unshared(later))
            {
                return $"It takes more processor time for {Wording.WithArticle(baseline.SampleNoun)} than more processes do: their smaller batches may fit into caches, or it was measured while the processor was slow.";
            }
        }

        return "It was disturbed, or it is badly configured: too large a batch for the caches, the wrong threads. Measure it again with nothing else running.";
    }
}
