namespace Convoy.Training.Loading;

/// <summary>Where a trainer's batches come from: <see cref="PrefetchLoader"/>, <see cref="TensorBatches"/>, <see cref="SyntheticBatches{TBatch}"/> or a class of your own.</summary>
/// <typeparam name="TBatch">A batch. Whoever takes it disposes it after its step.</typeparam>
public interface IBatchSource<out TBatch> : IDisposable
    where TBatch : IDisposable
{
    /// <summary>How many samples there are; indices go from 0 to below this.</summary>
    int SampleCount { get; }

    /// <summary>Samples in a batch of this process; a last batch may have fewer.</summary>
    int BatchSize { get; }

    /// <summary>The batches of one epoch, in order. Dispose each batch after its step.</summary>
    /// <param name="indices">This process's samples, in order: batches are cut from them.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="firstBatch">The batch to start with, from 0: above 0 when a run resumes within an epoch.</param>
    /// <param name="cancellation">Ends the enumeration with <see cref="OperationCanceledException"/>.</param>
    IEnumerable<TBatch> Epoch(IReadOnlyList<int> indices, int epoch, int firstBatch = 0, CancellationToken cancellation = default);
}

/// <summary>Which samples form which batch.</summary>
internal static class BatchOrder
{
    /// <summary>Cuts indices into batches in order.</summary>
    /// <param name="indices">The samples' indices.</param>
    /// <param name="batchSize">Samples of a batch; at least 1.</param>
    /// <param name="dropLast">Whether a last batch with fewer samples is left out.</param>
    public static IEnumerable<int[]> Cut(IReadOnlyList<int> indices, int batchSize, bool dropLast) =>
        indices.Chunk(batchSize).Where(batch => batch.Length == batchSize || !dropLast);
}
