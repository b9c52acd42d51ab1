using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Loading;

/// <summary>
/// Batches of samples that are all in memory: tensors whose first dimension counts the samples, as PyTorch's <c>TensorDataset</c> has them.
/// A batch copies its samples when it is asked for, on the calling thread.
/// </summary>
public sealed class TensorBatches : IBatchSource<TensorBatch>
{
    private readonly Tensor[] _tensors;
    private readonly bool _dropLast;

    /// <param name="batchSize">Samples in a batch of this process; at least 1.</param>
    /// <param name="dropLast">Whether a last batch with fewer samples is left out.</param>
    /// <param name="tensors">
    /// The samples, such as images <c>[samples, ...]</c> and labels <c>[samples]</c>, on any device. They stay the caller's and have to live as
    /// long as this; changes to them show in later batches.
    /// </param>
    /// <exception cref="ArgumentException">There are no tensors, or their first dimensions differ.</exception>
    public TensorBatches(int batchSize, bool dropLast, params Tensor[] tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        if (tensors.Length == 0 || tensors.Any(tensor => tensor.dim() == 0 || tensor.shape[0] != tensors[0].shape[0]))
        {
            throw new ArgumentException("Give tensors whose first dimension is the number of samples, the same for all.", nameof(tensors));
        }

        _tensors = [.. tensors];
        _dropLast = dropLast;
        BatchSize = batchSize;
        SampleCount = checked((int)tensors[0].shape[0]);
    }

    /// <inheritdoc/>
    public int SampleCount { get; }

    /// <inheritdoc/>
    public int BatchSize { get; }

    /// <inheritdoc/>
    public IEnumerable<TensorBatch> Epoch(IReadOnlyList<int> indices, int epoch, int firstBatch = 0, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(indices);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        return Batches(indices, firstBatch, cancellation);
    }

    /// <summary>Does nothing: the tensors are the caller's.</summary>
    public void Dispose()
    {
    }

    private IEnumerable<TensorBatch> Batches(IReadOnlyList<int> indices, int firstBatch, CancellationToken cancellation)
    {
        foreach (int[] batch in BatchOrder.Cut(indices, BatchSize, _dropLast).Skip(firstBatch))
        {
            cancellation.ThrowIfCancellationRequested();
            yield return Select(batch);
        }
    }

    private TensorBatch Select(int[] batch)
    {
        using IDisposable noGradient = no_grad();
        using Tensor places = tensor([.. batch.Select(index => (long)index)], int64);
        return new TensorBatch(batch, [.. _tensors.Select(Copy)]);

        Tensor Copy(Tensor tensor)
        {
            using Tensor there = places.to(tensor.device, copy: true);
            return tensor.index_select(0, there);
        }
    }
}

/// <summary>A batch of tensors whose first dimension counts the samples. Its tensors belong to no dispose scope; disposing the batch disposes them.</summary>
public sealed class TensorBatch : IDisposable
{
    private readonly Tensor[] _tensors;

    /// <param name="indices">The samples' indices in the data set, in the batch's order.</param>
    /// <param name="tensors">The tensors; the batch's from now on.</param>
    public TensorBatch(IReadOnlyList<int> indices, params Tensor[] tensors)
    {
        ArgumentNullException.ThrowIfNull(indices);
        ArgumentNullException.ThrowIfNull(tensors);
        Indices = indices;
        _tensors = [.. tensors.Select(tensor => tensor.DetachFromDisposeScope())];
    }

    /// <summary>The samples' indices in the data set, in the batch's order.</summary>
    public IReadOnlyList<int> Indices { get; }

    /// <summary>The tensors, in the order in which they were given.</summary>
    public IReadOnlyList<Tensor> Tensors => _tensors;

    /// <summary>A tensor by its place, from 0.</summary>
    public Tensor this[int place] => _tensors[place];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in _tensors)
        {
            tensor.Dispose();
        }
    }
}
