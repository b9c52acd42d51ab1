using Convoy.Training.Loading;

namespace Convoy.Lanes.Data;

/// <summary>
/// Prepares batches on threads of its own while the network trains: decodes, resizes, augments, draws masks, normalises. What a batch
/// holds depends on the options, the epoch and the frames asked for; never on the number of workers, on timing, or on whether there is a
/// cache.
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

    /// <summary>The frames.</summary>
    public LaneDataset Dataset { get; }

    /// <inheritdoc/>
    public int SampleCount => Dataset.Count;

    /// <inheritdoc/>
    public int BatchSize => Options.BatchSize;

    /// <summary>How frames are prepared.</summary>
    public LaneLoaderOptions Options { get; }

    /// <summary>
    /// The batches of one epoch, in order. Workers start with the enumeration and stop when it ends, is left early, or the loader is
    /// disposed. Dispose each batch after its step.
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

/// <summary>How a <see cref="LaneDataLoader"/> prepares frames.</summary>
public sealed record LaneLoaderOptions : LoaderOptions
{
    /// <summary>The size of the network's input. Default 800x360.</summary>
    public ImageSize ImageSize { get; init; } = ImageSize.Network;

    /// <summary>
    /// The width of a lane in the mask, in pixels at <see cref="ImageSize"/>. Default: what 5 pixels at 1280x720 correspond to, see
    /// <see cref="MaskPainter.DefaultLineWidth"/> (2.795 at 800x360).
    /// </summary>
    public double? LineWidth { get; init; }

    /// <summary>The random changes. Default: none, as for validation.</summary>
    public AugmentationOptions Augmentation { get; init; } = AugmentationOptions.None;

    /// <summary>
    /// A folder that keeps decoded frames, so that they are decoded only once; created when absent. Default: null, no cache. Frames take
    /// 4 bytes per pixel there: 1.15 MB each at 800x360.
    /// </summary>
    public string? CacheDirectory { get; init; }

    /// <summary>Whether images have their channels innermost in memory (PyTorch's <c>channels_last</c>). Default false.</summary>
    public bool ChannelsLast { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        // Narrower than the narrowest float, it would be a line of no width, which is drawn as one of a pixel.
        Require(LineWidth is null || (LineWidth <= 200 && (float)LineWidth > 0), "line width", LineWidth ?? 0, "Give a number of pixels above 0, up to 200.");
        Augmentation.Validate();
    }
}

/// <summary>Prepares frames straight in the memory of their batches.</summary>
internal sealed class LaneBatchAssembler(LaneDataset dataset, LaneLoaderOptions options, FrameCache? cache) : IBatchAssembler<BatchBuffer, LaneBatch>
{
    private readonly ResourcePool<BatchBuffer> _buffers = BatchBuffer.Pool(options);
    private readonly ResourcePool<FrameAssembler> _assemblers = new(() => new FrameAssembler(dataset, options, cache), Math.Max(1, options.Workers));

    public BatchBuffer Rent(int samples) => _buffers.Rent();

    public void Prepare(BatchBuffer buffer, int place, SampleContext sample)
    {
        FrameAssembler assembler = _assemblers.Rent();
        try
        {
            assembler.Assemble(sample, buffer.Image(place), buffer.Mask(place));
        }
        finally
        {
            _assemblers.Return(assembler);
        }
    }

    public LaneBatch Complete(BatchBuffer buffer, IReadOnlyList<int> indices, double waitSeconds) => new(buffer, _buffers, indices, waitSeconds);

    public void Return(BatchBuffer buffer) => _buffers.Return(buffer);

    public string Describe(int index) => dataset.Frames[index].ImagePath;

    public void Dispose()
    {
        _assemblers.Dispose();
        _buffers.Dispose();
        cache?.Dispose();
    }
}
