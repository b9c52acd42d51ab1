namespace Convoy.Distributed.Data;

/// <summary>
/// One rank's part of a global batch, which the number of ranks need not divide: of 8 samples three ranks get 3, 3 and 2. With each rank's mean loss multiplied by
/// <see cref="LossWeight"/>, the gradients that <see cref="Nn.DistributedDataParallel"/> averages over the ranks are those of the mean over the whole batch.
/// </summary>
public readonly record struct BatchShare
{
    private readonly long _batchSize;
    private readonly int _ranks;

    /// <param name="batchSize">Samples of the batch over all ranks; at least one for each.</param>
    /// <param name="group">The ranks.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer samples than ranks.</exception>
    public BatchShare(long batchSize, ProcessGroup group)
        : this(batchSize, (group ?? throw new ArgumentNullException(nameof(group))).Rank, group.Size)
    {
    }

    /// <param name="batchSize">Samples of the batch over all ranks; at least one for each.</param>
    /// <param name="rank">The rank whose part it is.</param>
    /// <param name="ranks">How many ranks share the batch.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer samples than ranks, or the rank is none of them.</exception>
    public BatchShare(long batchSize, int rank, int ranks)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ranks, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, ranks);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, ranks);
        (_batchSize, _ranks) = (batchSize, ranks);
        Count = (int)((batchSize / ranks) + (rank < batchSize % ranks ? 1 : 0));
    }

    /// <summary>Samples of this rank: the first ranks have one more where the ranks do not divide the batch.</summary>
    public int Count { get; }

    /// <summary>What this rank's mean loss has to be multiplied by: its share of the batch, times the number of ranks. Exactly 1 where all shares are equal.</summary>
    public double LossWeight => (double)Count * _ranks / _batchSize;
}
