namespace Convoy.Training.Loading;

/// <summary>Batches that need no work, whatever samples are asked for: they show what a training step costs when data costs nothing.</summary>
/// <typeparam name="TBatch">A batch.</typeparam>
public sealed class SyntheticBatches<TBatch> : IBatchSource<TBatch>
    where TBatch : IDisposable
{
    private readonly Func<IReadOnlyList<int>, TBatch> _create;
    private readonly IDisposable? _memory;

    /// <param name="sampleCount">How many samples to report; at least 1.</param>
    /// <param name="batchSize">Samples in a batch of this process; at least 1. All batches are whole.</param>
    /// <param name="create">Makes the batch of the given indices, or hands out one that is ready.</param>
    /// <param name="memory">Memory of the batches to dispose together with this, if any.</param>
    public SyntheticBatches(int sampleCount, int batchSize, Func<IReadOnlyList<int>, TBatch> create, IDisposable? memory = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sampleCount, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentNullException.ThrowIfNull(create);
        SampleCount = sampleCount;
        BatchSize = batchSize;
        _create = create;
        _memory = memory;
    }

    /// <inheritdoc/>
    public int SampleCount { get; }

    /// <inheritdoc/>
    public int BatchSize { get; }

    /// <inheritdoc/>
    public IEnumerable<TBatch> Epoch(IReadOnlyList<int> indices, int epoch, int firstBatch = 0, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(indices);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        return Batches(indices, firstBatch, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => _memory?.Dispose();

    private IEnumerable<TBatch> Batches(IReadOnlyList<int> indices, int firstBatch, CancellationToken cancellation)
    {
        foreach (int[] batch in BatchOrder.Cut(indices, BatchSize, dropLast: true).Skip(firstBatch))
        {
            cancellation.ThrowIfCancellationRequested();
            yield return _create(batch);
        }
    }
}
