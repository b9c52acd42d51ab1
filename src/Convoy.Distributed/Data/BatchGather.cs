using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Data;

/// <summary>
/// Gathers what the ranks computed of their samples, batch by batch in one pass through them, so that each sample counts once although a <see cref="DistributedSampler"/>
/// deals some twice (Accelerate's <c>gather_for_metrics</c>). <see cref="DistributedSampler.GatherBatches"/> makes it.
/// </summary>
public sealed class BatchGather
{
    private readonly ProcessGroup _group;
    private readonly DistributedSampler _sampler;
    private readonly long[] _given;

    internal BatchGather(ProcessGroup group, DistributedSampler sampler)
    {
        _group = group;
        _sampler = sampler;
        _given = new long[group.Size];
    }

    /// <summary>How many samples have had a row so far, all ranks together; at the end of the pass that many as the data set has, without those that a sampler leaves out (<c>dropLast</c>).</summary>
    public long GatheredCount { get; private set; }

    /// <summary>Gathers the rows of all ranks' next batches on every rank, without those of samples that were dealt a second time. All ranks call it equally often, one that has no batch left with no rows, [0, ...].</summary>
    /// <param name="rows">A row for each sample of this rank's next batch: [samples, ...]; batches may have different sizes. The same type and size of rows on all ranks.</param>
    /// <returns>[at most the rows of all ranks, ...], in the order in which the samples were dealt: rank 0's first, rank 1's first, ..., rank 0's second. No gradients flow through it. The caller's to dispose.</returns>
    /// <exception cref="DistributedException">A rank gave more rows than it has samples, or failed.</exception>
    public Tensor Gather(Tensor rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        long[] counts = [.. RankNumbers.AllGather(_group, RankRows.CountOf(rows)).Select(told => told[0])];
        for (int rank = 0; rank < counts.Length; rank++)
        {
            if (counts[rank] < 0 || _given[rank] + counts[rank] > _sampler.CountOf(rank))
            {
                throw new DistributedException(FormattableString.Invariant(
                    $"{nameof(BatchGather)}: rank {rank} gives {RankRows.Describe(counts[rank])} after {_given[rank]}, and has {_sampler.CountOf(rank)} samples. Give a row for each sample, and make a new {nameof(BatchGather)} for each pass."));
            }
        }

        using var scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        Tensor all = cat(RankRows.Gather(_group, rows, counts));
        Tensor positions = cat([.. counts.Select((count, rank) => arange(_given[rank], _given[rank] + count, dtype: ScalarType.Int64).mul_(counts.Length).add_(rank))]);
        for (int rank = 0; rank < counts.Length; rank++)
        {
            _given[rank] += counts[rank];
        }

        // Beyond the last sample lies what was dealt again.
        Tensor inOrder = positions.argsort(), kept = inOrder.narrow(0, 0, positions.lt(_sampler.SampleCount).sum().item<long>());
        GatheredCount += kept.shape[0];
        return all.index_select(0, kept).MoveToOuterDisposeScope();
    }
}
