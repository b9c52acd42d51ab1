using Convoy.Analysis.Runs;
using Convoy.Metrics;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>Computation that takes longer than its share: contention for memory and cache, too small a batch, batch norm's exchange.</summary>
internal sealed class ComputeGrowthRule : IBottleneckRule
{
    /// <summary>Processes on one machine slow each other down: memory bandwidth or cache.</summary>
    public const string MemoryContention = "memory_contention";

    /// <summary>A process's share of the batch is too small to compute efficiently.</summary>
    public const string SmallBatch = "small_batch";

    /// <summary>Batch norm's statistics over all processes.</summary>
    public const string BatchNormSync = "batch_norm_sync";

    public IEnumerable<Conclusion> Examine(ScalingCase scaling)
    {
        if (ComputeGrowth.Find(scaling) is not { } growth)
        {
            yield break;
        }

        Evidence[] evidence =
        [
            new("computation of one process", scaling.Measured.TypicalComputeSeconds!.Value, "s"),
            new("its share of the baseline's computation", scaling.Ideal(scaling.Baseline.TypicalComputeSeconds!.Value), "s"),
            .. scaling.Measured.LocalBatchSize is { } batch ? [new Evidence("batch of one process", batch, scaling.Samples)] : Array.Empty<Evidence>(),
        ];
        yield return scaling.Conclude(
            MemoryContention,
            "Contention for memory bandwidth or cache",
            $"Each process takes longer for the same number of {scaling.Samples} the more processes there are.",
            "Use fewer processes, or arithmetic and memory formats that move fewer bytes (bf16, channels last).",
            growth.ContentionSeconds,
            Thresholds.InferredShare,
            evidence);
        yield return scaling.Conclude(
            SmallBatch,
            "Too small a batch in each process",
            $"A process with so few {scaling.Samples} computes longer for each of them.",
            "Use a larger global batch, or fewer processes.",
            growth.SmallBatchSeconds,
            Thresholds.InferredShare,
            evidence);
        yield return scaling.Conclude(
            BatchNormSync,
            "Batch norm's synchronisation",
            "The forward pass grows more than the backward pass while batch norm takes its statistics over all processes.",
            $"Compare with {scaling.Setting(SettingNames.SyncBatchNorm)?.OffOption ?? $"statistics over each process's own {scaling.Samples}"}, or use fewer processes with larger batches.",
            growth.BatchNormSeconds,
            Thresholds.InferredShare,
            new Evidence("forward pass", scaling.Measured.Phases!.Forward, "s"),
            new Evidence("its share of the baseline's forward pass", scaling.Ideal(scaling.Baseline.Phases!.Forward), "s"));
    }
}

/// <summary>
/// By how much a usual rank computes longer than its share of the baseline's computation, and to what that is laid:
/// first to threads beyond the cores; otherwise to batch norm's exchange as far as the forward pass grows more than the
/// backward pass; of the rest, to contention as far as it follows from configurations with larger local batches.
/// </summary>
internal sealed record ComputeGrowth(double OversubscribedSeconds, double BatchNormSeconds, double SmallBatchSeconds, double ContentionSeconds)
{
    /// <summary>The growth of the case; null where computation was not recorded or there is nothing to compare with.</summary>
    public static ComputeGrowth? Find(ScalingCase scaling)
    {
        if (scaling.IsBaseline || scaling.Measured is not { TypicalComputeSeconds: { } compute, Phases: { } phases } || scaling.Baseline is not { TypicalComputeSeconds: { } before, Phases: { } first })
        {
            return null;
        }

        double growth = Math.Max(0, compute - scaling.Ideal(before));
        if (scaling.IsOversubscribed(scaling.Measured))
        {
            return new ComputeGrowth(growth, 0, 0, 0);
        }

        double batchNorm = Math.Min(growth, BatchNorm(scaling, first, phases));
        double rest = growth - batchNorm;
        double small = scaling.Measured.LocalBatchSize is < Thresholds.SmallLocalBatch && Contention(scaling) is { } gamma
            ? Math.Clamp(rest - (scaling.Ideal(before) * gamma * (scaling.Examined.Processes - scaling.Series.Baseline.Processes)), 0, rest)
            : 0;
        return new ComputeGrowth(0, batchNorm, small, rest - small);
    }

    // Batch norm exchanges in both passes, but only the forward pass has nothing to hide it behind.
    private static double BatchNorm(ScalingCase scaling, PhaseSeconds before, PhaseSeconds now)
    {
        bool synchronised = scaling.Measured.Setting(SettingNames.SyncBatchNorm) is { } setting && !string.Equals(setting, "false", StringComparison.OrdinalIgnoreCase);
        if (!synchronised || before.Backward <= 0)
        {
            return 0;
        }

        double backwardGrowth = Math.Max(1, now.Backward / scaling.Ideal(before.Backward));
        return Math.Max(0, now.Forward - (scaling.Ideal(before.Forward) * backwardGrowth));
    }

    // The growth for each further process, from configurations whose batches are not small; null when there are none.
    private static double? Contention(ScalingCase scaling)
    {
        double[] growths =
        [
            .. scaling.Series.Points
                .Where(p => p != scaling.Series.Baseline && p.Measurement is { TypicalComputeSeconds: not null, LocalBatchSize: >= Thresholds.SmallLocalBatch } && !scaling.IsOversubscribed(p.Measurement))
                .Select(p => ((p.Measurement.TypicalComputeSeconds!.Value / (scaling with { Examined = p }).Ideal(scaling.Baseline.TypicalComputeSeconds!.Value)) - 1) / (p.Processes - scaling.Series.Baseline.Processes)),
        ];
        return growths.Length == 0 ? null : Math.Max(0, growths[^1]);
    }
}
