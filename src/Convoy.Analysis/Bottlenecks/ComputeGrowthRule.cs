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
