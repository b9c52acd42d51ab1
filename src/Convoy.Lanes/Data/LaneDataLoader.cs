using Convoy.Training.Loading;

namespace Convoy.Lanes.Data;

/// <summary>
/// Prepares batches on threads of its own while the network trains: decodes, resizes, changes at random, draws masks,
/// normalises. What a batch holds depends on the options, the epoch and the frames asked for; never on the number of
/// workers, on timing, or on whether there is a cache.
/// </summary>
public sealed class LaneDataLoader : IBatchSource<LaneBatch>
{
    private readonly PrefetchLoader<BatchBuffer, LaneBatch> _loader;

    /// <summary>Checks the options and, when a cache folder is given, opens the cache or builds it.</summary>
    /// <param name="dataset">The frames.</param>
    /// <param name="options">How to prepare them.</param>
    /// <param name="time">The clock that measures waiting. Default: the system's.</param>
    /// <param name="cancellation">Stops building the cache.</param>
    /// <exception cref="BadInputException">An option is out of range, the cache folder cannot be written, or an image is bad.</exception>
    public LaneDataLoader(LaneDataset dataset, LaneLoaderOptions options, TimeProvider? time = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Dataset = dataset;
        Options = options;
        FrameCache? cache = options.CacheDirectory is null
            ? null
            : FrameCache.OpenOrBuild(options.CacheDirectory, dataset, options.ImageSize, options.Workers, time ?? TimeProvider.System, cancellation);
        _loader = new PrefetchLoader<BatchBuffer, LaneBatch>(dataset.Count, options, new LaneBatchAssembler(dataset, options, cache), time);
    }

    /// <summary>The frames that indices refer to.</summary>
    public LaneDataset Dataset { get; }

    /// <inheritdoc/>
    public int SampleCount => Dataset.Count;

    /// <inheritdoc/>
    public int BatchSize => Options.BatchSize;

    /// <summary>How frames are prepared.</summary>
    public LaneLoaderOptions Options { get; }

    /// <summary>
    /// The batches of one epoch, in order. Workers start with the enumeration and stop when it ends, is left early, or the
    /// loader is disposed. Dispose each batch after its step.
    /// </summary>
    /// <param name="indices">The frames of this process, in order: batches of <see cref="BatchSize"/> are cut from them.</param>
    /// <param name="epoch">The epoch, from 0, which the random changes depend on.</param>
    /// <param name="firstBatch">The batch to start with, from 0: above 0 when a run resumes within an epoch.</param>
    /// <param name="cancellation">Ends the enumeration with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="BadInputException">While enumerating, when the batch with a bad image is reached: names the file.</exception>
    public IEnumerable<LaneBatch> Epoch(IReadOnlyList<int> indices, int epoch, int firstBatch = 0, CancellationToken cancellation = default) =>
        _loader.Epoch(indices, epoch, firstBatch, cancellation);

    /// <summary>Stops the workers of epochs that still run, and frees the memory.</summary>
    public void Dispose() => _loader.Dispose();
}
