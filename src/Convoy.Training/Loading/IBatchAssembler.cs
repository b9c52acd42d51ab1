using System.Globalization;

namespace Convoy.Training.Loading;

/// <summary>
/// How a <see cref="PrefetchLoader{TBuffer, TBatch}"/> makes its batches, for batches whose samples are written straight into pooled
/// memory. <see cref="PrefetchLoader.Create"/> needs no more than two functions.
/// </summary>
/// <typeparam name="TBuffer">A batch in the making.</typeparam>
/// <typeparam name="TBatch">A finished batch.</typeparam>
public interface IBatchAssembler<TBuffer, out TBatch> : IDisposable
    where TBuffer : class
    where TBatch : IDisposable
{
    /// <summary>A buffer for a batch. Called on the consumer's thread.</summary>
    /// <param name="samples">How many samples it must hold.</param>
    TBuffer Rent(int samples);

    /// <summary>
    /// Prepares one sample. Called on worker threads, on several at once, but only once for each place of a buffer. Other exceptions than
    /// <see cref="BadInputException"/> are wrapped into one that says which sample failed.
    /// </summary>
    /// <param name="buffer">Where the sample goes.</param>
    /// <param name="place">Its place in the batch, from 0.</param>
    /// <param name="sample">The sample.</param>
    void Prepare(TBuffer buffer, int place, SampleContext sample);

    /// <summary>Makes the batch when all its samples are prepared. Called on the consumer's thread; the buffer is the batch's from now on.</summary>
    /// <param name="buffer">The prepared samples.</param>
    /// <param name="indices">Their indices in the data set, in the batch's order.</param>
    /// <param name="waitSeconds">How long the consumer waited for the batch; without workers, the time to prepare it.</param>
    TBatch Complete(TBuffer buffer, IReadOnlyList<int> indices, double waitSeconds);

    /// <summary>Takes back the buffer of a batch that nobody took, complete or not. Called on the consumer's thread.</summary>
    void Return(TBuffer buffer);

    /// <summary>The sample in the words of an error message: <c>sample 17</c>, or a file's name.</summary>
    string Describe(int index) => string.Create(CultureInfo.InvariantCulture, $"sample {index}");
}
