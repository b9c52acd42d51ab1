namespace Convoy.Training.Loading;

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
