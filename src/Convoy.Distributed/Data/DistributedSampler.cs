using System.Collections;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Data;

/// <summary>
/// Deals the indices of a data set out to the ranks, as PyTorch's <c>DistributedSampler</c> does: for the same seed and epoch every
/// rank gets the very indices that it gets there. It is what TorchSharp's <c>DataLoader</c> takes as its <c>shuffler</c>, and goes through anew in each
/// epoch.
/// </summary>
/// <remarks>
/// <para>
/// <c>DataLoader.Count</c> knows nothing of a sampler: it counts the batches of the whole data set. A rank has <see cref="Count"/> / batch size of them, rounded
/// up, or down with the loader's <c>drop_last</c>.
/// </para>
/// <para>
/// A job that goes on in the middle of an epoch, with as many ranks as before or with others, sets <see cref="StartIndex"/>; where each step takes a global batch that does not change,
/// <see cref="BatchSize"/> makes each step see the same samples with any number of ranks.
/// </para>
/// <para>
/// A shuffled epoch takes 8 bytes of memory for each sample of the data set where it begins (<c>randperm</c>, as in PyTorch), and then 8 bytes for each of
/// this rank's: 16 GiB for 2^31 samples. Without shuffling it takes none.
/// </para>
/// </remarks>
public sealed class DistributedSampler : IEnumerable<long>
{
    // How many indices are read from a tensor at once.
    private const long BlockSize = 1 << 16;

    private readonly int _rank;
    private readonly int _ranks;
    private readonly bool _shuffle;
    private readonly long _seed;
    private readonly bool _dropLast;
    private readonly bool _pad;
    private readonly BatchShare? _share;

    /// <param name="count">The number of samples in the data set; at least 1.</param>
    /// <param name="group">The ranks.</param>
    /// <param name="shuffle">Whether to put the indices into a random order, another one each epoch. Default: true.</param>
    /// <param name="seed">The seed of the order, the same on all ranks; 0 or more. Default: 0.</param>
    /// <param name="dropLast">
    /// What to do when the ranks do not divide the count: leave the last samples out, or (default) repeat the first ones.
    /// </param>
    /// <param name="pad">
    /// Whether samples are repeated so that all ranks get equally many. Default: true. False deals each sample once, and the first ranks may get one more than the
    /// others: for an evaluation in which each rank goes through its samples on its own, not for training steps, in which all ranks have to take part.
    /// </param>
    /// <exception cref="ArgumentException">A value is outside its range, or <paramref name="dropLast"/> goes with no padding.</exception>
    public DistributedSampler(long count, ProcessGroup group, bool shuffle = true, long seed = 0, bool dropLast = false, bool pad = true)
        : this(count, (group ?? throw new ArgumentNullException(nameof(group))).Rank, group.Size, shuffle, seed, dropLast, pad)
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
    /// <param name="pad">Whether samples are repeated so that all ranks get equally many. Default: true. False deals each sample once, and the first ranks may get one more.</param>
    /// <exception cref="ArgumentException">A value is outside its range, or <paramref name="dropLast"/> goes with no padding.</exception>
    public DistributedSampler(long count, int rank, int ranks, bool shuffle = true, long seed = 0, bool dropLast = false, bool pad = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(ranks, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, ranks);
        ArgumentOutOfRangeException.ThrowIfNegative(seed);
        if (dropLast && !pad)
        {
            throw new ArgumentException("dropLast gives all ranks equally many samples, and without padding they need not have. Give dropLast: true or pad: false, not both.", nameof(pad));
        }

        SampleCount = count;
        _rank = rank;
        _ranks = ranks;
        _shuffle = shuffle;
        _seed = seed;
        _dropLast = dropLast;
        _pad = pad;
    }

    /// <summary>The epoch, from 0 (PyTorch's <c>set_epoch</c>): set it before each, or every epoch has the same order.</summary>
    public int Epoch { get; set; }

    /// <summary>How many samples the data set has.</summary>
    public long SampleCount { get; }

    /// <summary>
    /// How many samples of the epoch's order all ranks together have gone through already, 0 to <see cref="SampleCount"/>: they share the rest (as PyTorch's
    /// <c>ElasticDistributedSampler</c>, but in the order that the epoch has anyway). Default: 0. Set it back to 0 for the next epoch.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is no place in the epoch.</exception>
    public long StartIndex
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, SampleCount);
            field = value;
        }
    }

    /// <summary>
    /// Samples of one step over all ranks, at least one for each; null, the default: they do not matter. The ranks then share each batch of the epoch's order, see <see cref="BatchShare"/>: a step has the
    /// same samples with any number of ranks, also one that does not divide the batch. Samples at the end that fill no batch are left out.
    /// </summary>
    /// <exception cref="ArgumentException">There are fewer than ranks, or the ranks are not to get equally many batches (no padding).</exception>
    public long? BatchSize
    {
        get;
        init
        {
            _share = value is { } size ? new BatchShare(size, _rank, _ranks) : null;
            field = value is null || _pad ? value : throw new ArgumentException("without padding ranks may get different numbers of batches. Leave out BatchSize or pad: false.", nameof(value));
        }
    }

    /// <summary>How many indices this rank gets in an epoch (PyTorch's <c>len(sampler)</c>): the same on all ranks, but where they are not padded.</summary>
    public long Count => CountOf(_rank);

    // What is left of the epoch.
    private long Rest => SampleCount - StartIndex;

    /// <summary>This rank's indices in the present <see cref="Epoch"/>: every <c>ranks</c>-th of the whole order, or of each batch of it, from its rank on.</summary>
    public IEnumerator<long> GetEnumerator() => _shuffle ? Shuffled() : InOrder();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>
    /// Gathers a result for each sample of the data set from the ranks that went through their shares, on every rank: each sample counts once although some are
    /// dealt twice. All ranks call it together, in the <see cref="Epoch"/> in which they went through their samples.
    /// </summary>
    /// <remarks>For an evaluation that goes batch by batch, as Accelerate's <c>gather_for_metrics</c> does: <see cref="GatherBatches"/>.</remarks>
    /// <param name="group">The ranks that share the data set.</param>
    /// <param name="results">A row for each sample of this rank, in the sampler's order: [<see cref="Count"/>, ...]. The same type and size of rows on all ranks.</param>
    /// <returns>[<see cref="SampleCount"/>, ...]: row i is that of sample i. The caller's to dispose.</returns>
    /// <exception cref="ArgumentException">The group is not one of as many ranks as share the data set.</exception>
    /// <exception cref="InvalidOperationException">The sampler leaves samples out (<c>dropLast</c>, <see cref="StartIndex"/>, <see cref="BatchSize"/>), which so have no result.</exception>
    /// <exception cref="DistributedException">A rank has not as many rows as samples, or goes through another epoch, or failed.</exception>
    public Tensor Gather(ProcessGroup group, Tensor results)
    {
        ArgumentNullException.ThrowIfNull(results);
        RequireWhole(group);
        long[][] ranks = RankNumbers.AllGather(group, RankRows.CountOf(results), SampleCount, Epoch);
        for (int rank = 0; rank < _ranks; rank++)
        {
            if (ranks[rank][0] != CountOf(rank) || ranks[rank][1] != SampleCount || ranks[rank][2] != Epoch)
            {
                throw new DistributedException(FormattableString.Invariant(
                    $"{nameof(Gather)}: rank {rank} has {RankRows.Describe(ranks[rank][0])} for epoch {ranks[rank][2]} of {ranks[rank][1]} samples, where {RankRows.Describe(CountOf(rank))} for epoch {Epoch} of {SampleCount} samples are expected. Give on every rank a row for each of its samples, with the same data set and epoch."));
            }
        }

        using var scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        Tensor[] parts = RankRows.Gather(group, results, [.. ranks.Select(rank => rank[0])]);
        Tensor order = Order(), whole = results.new_empty([SampleCount, .. results.shape[1..]]);
        for (int rank = 0; rank < _ranks && rank < SampleCount; rank++)
        {
            Tensor samples = order.slice(0, rank, SampleCount, _ranks);
            whole.index_copy_(0, samples, parts[rank].narrow(0, 0, samples.shape[0]));
        }

        return whole.MoveToOuterDisposeScope();
    }

    /// <summary>Gathers the results of an evaluation batch by batch, each sample once (Accelerate's <c>gather_for_metrics</c>). Make one for each pass through the samples.</summary>
    /// <param name="group">The ranks that share the data set.</param>
    /// <exception cref="ArgumentException">The group is not one of as many ranks as share the data set.</exception>
    /// <exception cref="InvalidOperationException">The sampler leaves samples out (<see cref="StartIndex"/>, <see cref="BatchSize"/>).</exception>
    public BatchGather GatherBatches(ProcessGroup group)
    {
        RequireGroup(group);
        return new BatchGather(group, this);
    }

    /// <summary>How many indices a rank gets.</summary>
    internal long CountOf(int rank) => BatchSize is { } size ? Rest / size * new BatchShare(size, rank, _ranks).Count
        : _dropLast ? Rest / _ranks
        : _pad ? (Rest + _ranks - 1) / _ranks
        : (Rest / _ranks) + (rank < Rest % _ranks ? 1 : 0);

    private IEnumerator<long> InOrder()
    {
        long count = Count;
        for (long i = 0; i < count; i++)
        {
            yield return Position(i);
        }
    }

    // The place in the epoch's order of this rank's i-th sample. Beyond the end what was left begins again: the padding.
    private long Position(long i) => _share is { Count: var share } ? StartIndex + (i / share * BatchSize!.Value) + (i % share * _ranks) + _rank : StartIndex + (((i * _ranks) + _rank) % Rest);

    // Its tensor belongs to the enumerator: a loader goes through it in dispose scopes of its own, of other threads.
    private IEnumerator<long> Shuffled()
    {
        using Tensor own = OwnShare();
        long count = own.shape[0];
        for (long start = 0; start < count; start += BlockSize)
        {
            long[] block = Read(own, start, Math.Min(BlockSize, count - start));
            foreach (long index in block)
            {
                yield return index;
            }
        }
    }

    private Tensor OwnShare()
    {
        using var scope = NewDisposeScope();
        Tensor own = arange(Count, dtype: ScalarType.Int64);
        Tensor positions = _share is not { Count: var share }
            ? own.mul_(_ranks).add_(_rank).remainder_(Rest)
            : own.remainder(share).mul_(_ranks).add_(_rank).add_(own.floor_divide(share).mul_(BatchSize!.Value));
        positions.add_(StartIndex);
        return Order().index_select(0, positions).DetachFromDisposeScope();
    }

    private static long[] Read(Tensor indices, long start, long count)
    {
        using Tensor block = indices.narrow(0, start, count);
        return block.data<long>().ToArray();
    }

    private Tensor Order()
    {
        if (!_shuffle)
        {
            return arange(SampleCount, dtype: ScalarType.Int64);
        }

        using var generator = new Generator(unchecked((ulong)(_seed + Epoch)));
        return randperm(SampleCount, dtype: ScalarType.Int64, generator: generator);
    }

    private void RequireWhole(ProcessGroup group)
    {
        RequireGroup(group);
        if (_dropLast && SampleCount % _ranks != 0)
        {
            throw new InvalidOperationException(FormattableString.Invariant(
                $"the sampler leaves {SampleCount % _ranks} of {SampleCount} samples out (dropLast), so not every sample has a result. Make a sampler without dropLast for the evaluation."));
        }
    }

    private void RequireGroup(ProcessGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        if (StartIndex > 0 || BatchSize is not null)
        {
            throw new InvalidOperationException($"a sampler with {(StartIndex > 0 ? nameof(StartIndex) : nameof(BatchSize))} is one of a training step, and leaves samples out, so that they have no result. Make another one for the evaluation.");
        }

        if (group.Size != _ranks || group.Rank != _rank)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"the sampler is that of rank {_rank} of {_ranks}, and the group makes this process rank {group.Rank} of {group.Size}. Give the group that shares the data set."), nameof(group));
        }
    }
}
