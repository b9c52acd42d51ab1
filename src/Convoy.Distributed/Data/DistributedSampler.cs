using static TorchSharp.torch;

namespace Convoy.Distributed.Data;

/// <summary>
/// Deals the indices of a data set out to the ranks, as PyTorch's <c>DistributedSampler</c> does: for the same seed and epoch every
/// rank gets the very indices that it gets there. All ranks get equally many.
/// </summary>
public sealed class DistributedSampler
{
    private readonly int _count;
    private readonly int _rank;
    private readonly int _ranks;
    private readonly bool _shuffle;
    private readonly long _seed;
    private readonly bool _dropLast;

    /// <param name="count">The number of samples in the data set; at least 1.</param>
    /// <param name="group">The ranks.</param>
    /// <param name="shuffle">Whether to put the indices into a random order, another one each epoch. Default: true.</param>
    /// <param name="seed">The seed of the order, the same on all ranks; 0 or more. Default: 0.</param>
    /// <param name="dropLast">
    /// What to do when the ranks do not divide the count: leave the last samples out, or (default) repeat the first ones.
    /// </param>
    public DistributedSampler(int count, ProcessGroup group, bool shuffle = true, long seed = 0, bool dropLast = false)
        : this(count, (group ?? throw new ArgumentNullException(nameof(group))).Rank, group.Size, shuffle, seed, dropLast)
    {
    }

    /// <param name="count">The number of samples in the data set; at least 1.</param>
    /// <param name="rank">The rank whose indices to give.</param>
    /// <param name="ranks">How many ranks share the data set.</param>
    /// <param name="shuffle">Whether to put the indices into a random order, another one each epoch. Default: true.</param>
    /// <param name="seed">The seed of the order, the same on all ranks; 0 or more. Default: 0.</param>
    /// <param name="dropLast">
    /// What to do when the ranks do not divide the count: leave the last samples out, or (default) repeat the first ones.
    /// </param>
    public DistributedSampler(int count, int rank, int ranks, bool shuffle = true, long seed = 0, bool dropLast = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(ranks, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, ranks);
        ArgumentOutOfRangeException.ThrowIfNegative(seed);
        _count = count;
        _rank = rank;
        _ranks = ranks;
        _shuffle = shuffle;
        _seed = seed;
        _dropLast = dropLast;
    }

    /// <summary>The epoch, from 0: set it before each, or every epoch has the same order.</summary>
    public int Epoch { get; set; }

    /// <summary>How many indices each rank gets in an epoch.</summary>
    public int Count => _dropLast ? _count / _ranks : (_count + _ranks - 1) / _ranks;

    /// <summary>This rank's indices in the present <see cref="Epoch"/>: every <c>ranks</c>-th of the whole order, from its rank on.</summary>
    public IReadOnlyList<int> Indices()
    {
        int[] order = Order();
        int[] own = new int[Count];
        for (int i = 0; i < own.Length; i++)
        {
            // Beyond the end the order begins again: the padding.
            own[i] = order[((i * _ranks) + _rank) % _count];
        }

        return own;
    }

    private int[] Order()
    {
        if (!_shuffle)
        {
            return [.. Enumerable.Range(0, _count)];
        }

        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)(_seed + Epoch));
        return [.. randperm(_count, int64, generator: generator).data<long>().ToArray().Select(index => (int)index)];
    }
}
