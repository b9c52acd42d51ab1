using System.Collections.Concurrent;

namespace Convoy.Lanes.Data;

/// <summary>
/// Prepares batches on threads of its own while the network trains: decodes, resizes, changes at random, draws masks,
/// normalises. What a batch holds depends on the options, the epoch and the frames asked for; never on the number of
/// workers, on timing, or on whether there is a cache.
/// </summary>
/// <remarks>
/// PyTorch's DataLoader with workers, a prefetch factor and a deterministic order; the order itself comes from a sampler.
/// TorchSharp's own DataLoader prepares each batch only when it is asked for.
/// </remarks>
public sealed class LaneDataLoader : ILaneBatchSource
{
    private readonly TimeProvider _time;
    private readonly FrameCache? _cache;
    private readonly BatchBufferPool _buffers;
    private readonly ConcurrentBag<FrameAssembler> _assemblers = [];
    private readonly Lock _gate = new();
    private readonly List<EpochRun> _running = [];
    private bool _disposed;

    /// <summary>Checks the options and, when a cache folder is given, opens the cache or builds it.</summary>
    /// <param name="dataset">The frames.</param>
    /// <param name="options">How to prepare them.</param>
    /// <param name="time">The clock that measures waiting; the system's when null.</param>
    /// <param name="cancellation">Stops building the cache.</param>
    /// <exception cref="BadInputException">An option is out of range, the cache folder can't be written, or an image is bad.</exception>
    public LaneDataLoader(LaneDataset dataset, LaneLoaderOptions options, TimeProvider? time = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Dataset = dataset;
        Options = options;
        _time = time ?? TimeProvider.System;
        _buffers = new BatchBufferPool(options);
        _cache = options.CacheDirectory is null
            ? null
            : FrameCacheBuilder.OpenOrBuild(options.CacheDirectory, dataset, options.ImageSize, options.Workers, _time, cancellation);
    }

    /// <summary>The frames that indices refer to.</summary>
    public LaneDataset Dataset { get; }

    /// <inheritdoc/>
    public int FrameCount => Dataset.Count;

    /// <summary>How frames are prepared.</summary>
    public LaneLoaderOptions Options { get; }

    /// <summary>
    /// The batches of one epoch, in order. Workers start with the enumeration and stop when it ends, is left early, or the
    /// loader is disposed. Dispose each batch after its step.
    /// </summary>
    /// <param name="frameIndices">The frames of this process, in order: batches of <see cref="LaneLoaderOptions.BatchSize"/> are cut from it.</param>
    /// <param name="epoch">The epoch, from 0, which the random changes depend on.</param>
    /// <param name="skipBatches">How many batches at the start to leave out, as when a run resumes; at least 0.</param>
    /// <param name="cancellation">Ends the enumeration with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="BadInputException">While enumerating, when the batch with a bad image is reached: names the file.</exception>
    public IEnumerable<LaneBatch> Epoch(
        IReadOnlyList<int> frameIndices,
        int epoch,
        int skipBatches = 0,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(frameIndices);
        ArgumentOutOfRangeException.ThrowIfNegative(skipBatches);
        foreach (int index in frameIndices)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index, nameof(frameIndices));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Dataset.Count, nameof(frameIndices));
        }

        return Batches([.. BatchesOf(frameIndices).Skip(skipBatches)], epoch, cancellation);
    }

    /// <summary>Stops the workers of epochs that still run, and frees the memory.</summary>
    public void Dispose()
    {
        List<EpochRun> running;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            running = [.. _running];
        }

        foreach (EpochRun run in running)
        {
            run.Dispose();
        }

        while (_assemblers.TryTake(out FrameAssembler? assembler))
        {
            assembler.Dispose();
        }

        _buffers.Dispose();
        _cache?.Dispose();
    }

    private IEnumerable<int[]> BatchesOf(IReadOnlyList<int> frameIndices)
    {
        for (int start = 0; start < frameIndices.Count; start += Options.BatchSize)
        {
            int count = Math.Min(Options.BatchSize, frameIndices.Count - start);
            if (count == Options.BatchSize || !Options.DropLast)
            {
                yield return [.. Enumerable.Range(start, count).Select(place => frameIndices[place])];
            }
        }
    }

    private IEnumerable<LaneBatch> Batches(int[][] batches, int epoch, CancellationToken cancellation)
    {
        using EpochRun run = Start(batches, epoch);
        using CancellationTokenRegistration registration = cancellation.Register(run.Stop);
        try
        {
            for (int batch = 0; batch < batches.Length; batch++)
            {
                long start = _time.GetTimestamp();
                if (run.Take(batch) is not { } buffer)
                {
                    cancellation.ThrowIfCancellationRequested();
                    throw new ObjectDisposedException(nameof(LaneDataLoader));
                }

                yield return new LaneBatch(buffer, _buffers, batches[batch], _time.GetElapsedTime(start).TotalSeconds);
            }
        }
        finally
        {
            lock (_gate)
            {
                _running.Remove(run);
            }
        }
    }

    private EpochRun Start(int[][] batches, int epoch)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var run = new EpochRun(batches, epoch, Options, Dataset, _buffers, RentAssembler, ReturnAssembler);
            _running.Add(run);
            return run;
        }
    }

    private FrameAssembler RentAssembler() =>
        _assemblers.TryTake(out FrameAssembler? assembler) ? assembler : new FrameAssembler(Dataset, Options, _cache);

    private void ReturnAssembler(FrameAssembler assembler) => _assemblers.Add(assembler);
}
