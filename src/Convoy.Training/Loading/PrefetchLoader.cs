using System.Globalization;

namespace Convoy.Training.Loading;

/// <summary>
/// Prepares batches on threads of its own while the model trains. What a batch holds depends on the samples asked for, the epoch and the
/// seed; never on the number of workers or on timing.
/// </summary>
/// <remarks>
/// PyTorch's DataLoader with workers, a prefetch factor and a deterministic order; the order itself comes from a sampler. TorchSharp's own
/// DataLoader prepares each batch only when it is asked for. <see cref="PrefetchLoader.Create"/> makes one from two functions.
/// </remarks>
/// <typeparam name="TBuffer">A batch in the making.</typeparam>
/// <typeparam name="TBatch">A finished batch.</typeparam>
public sealed class PrefetchLoader<TBuffer, TBatch> : IBatchSource<TBatch>
    where TBuffer : class
    where TBatch : IDisposable
{
    private readonly LoaderOptions _options;
    private readonly IBatchAssembler<TBuffer, TBatch> _assembler;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly List<EpochRun<TBuffer, TBatch>> _running = [];
    private bool _disposed;

    /// <summary>Checks the options; threads start with the first epoch.</summary>
    /// <param name="sampleCount">How many samples there are.</param>
    /// <param name="options">Batch size, workers and the like.</param>
    /// <param name="assembler">Makes the batches; the loader's from now on.</param>
    /// <param name="time">The clock that measures waiting. Default: the system's.</param>
    /// <exception cref="BadInputException">An option is out of range.</exception>
    public PrefetchLoader(int sampleCount, LoaderOptions options, IBatchAssembler<TBuffer, TBatch> assembler, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(assembler);
        ArgumentOutOfRangeException.ThrowIfNegative(sampleCount);
        options.Validate();
        SampleCount = sampleCount;
        _options = options;
        _assembler = assembler;
        _time = time ?? TimeProvider.System;
    }

    /// <inheritdoc/>
    public int SampleCount { get; }

    /// <inheritdoc/>
    public int BatchSize => _options.BatchSize;

    /// <summary>
    /// The batches of one epoch, in order. Workers start with the enumeration and stop when it ends, is left early, or the loader is
    /// disposed. Dispose each batch after its step.
    /// </summary>
    /// <param name="indices">This process's samples, in order: batches of <see cref="BatchSize"/> are cut from them.</param>
    /// <param name="epoch">The epoch, from 0, which random changes depend on.</param>
    /// <param name="firstBatch">The batch to start with, from 0.</param>
    /// <param name="cancellation">Ends the enumeration with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="BadInputException">While enumerating, when a batch with a bad sample is reached.</exception>
    /// <exception cref="InvalidOperationException">While enumerating, when a batch is reached of which a sample could not be prepared: says which, and why.</exception>
    public IEnumerable<TBatch> Epoch(IReadOnlyList<int> indices, int epoch, int firstBatch = 0, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(indices);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        foreach (int index in indices)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index, nameof(indices));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, SampleCount, nameof(indices));
        }

        return Batches([.. BatchOrder.Cut(indices, BatchSize, _options.DropLast).Skip(firstBatch)], epoch, cancellation);
    }

    /// <summary>Stops the workers of epochs that still run, and frees the memory.</summary>
    public void Dispose()
    {
        List<EpochRun<TBuffer, TBatch>> running;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            running = [.. _running];
        }

        foreach (EpochRun<TBuffer, TBatch> run in running)
        {
            run.Dispose();
        }

        _assembler.Dispose();
    }

    private IEnumerable<TBatch> Batches(int[][] batches, int epoch, CancellationToken cancellation)
    {
        using EpochRun<TBuffer, TBatch> run = Start(batches, epoch);
        using CancellationTokenRegistration registration = cancellation.Register(run.Stop);
        try
        {
            for (int batch = 0; batch < batches.Length; batch++)
            {
                long start = _time.GetTimestamp();
                if (run.Take(batch) is not { } buffer)
                {
                    cancellation.ThrowIfCancellationRequested();
                    throw new ObjectDisposedException(typeof(PrefetchLoader).FullName);
                }

                yield return _assembler.Complete(buffer, batches[batch], _time.GetElapsedTime(start).TotalSeconds);
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

    private EpochRun<TBuffer, TBatch> Start(int[][] batches, int epoch)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(PrefetchLoader));
            var run = new EpochRun<TBuffer, TBatch>(batches, epoch, _options, _assembler);
            _running.Add(run);
            return run;
        }
    }
}

/// <summary>Makes prefetching loaders from two functions.</summary>
public static class PrefetchLoader
{
    /// <summary>
    /// A loader that prepares samples with <paramref name="load"/> and makes batches of them with <paramref name="collate"/>, both on
    /// worker threads and on several at once.
    /// </summary>
    /// <typeparam name="TSample">A prepared sample: arrays, tensors, anything.</typeparam>
    /// <typeparam name="TBatch">A batch, such as <see cref="TensorBatch"/>.</typeparam>
    /// <param name="sampleCount">How many samples there are.</param>
    /// <param name="options">Batch size, workers and the like.</param>
    /// <param name="load">Prepares one sample. It should depend on its argument alone, random numbers included, see <see cref="SampleContext.CreateRandom"/>.</param>
    /// <param name="collate">
    /// Makes a batch of samples in order. A batch must not keep samples that are <see cref="IDisposable"/>, such as tensors: they are
    /// disposed when this returns. With <see cref="LoaderOptions.Workers"/> 0 it runs on the thread that asks for the batch, where tensors
    /// belong to that thread's dispose scope, if it has one.
    /// </param>
    /// <exception cref="BadInputException">An option is out of range.</exception>
    public static IBatchSource<TBatch> Create<TSample, TBatch>(
        int sampleCount,
        LoaderOptions options,
        Func<SampleContext, TSample> load,
        Func<IReadOnlyList<TSample>, TBatch> collate)
        where TBatch : class, IDisposable
    {
        ArgumentNullException.ThrowIfNull(load);
        ArgumentNullException.ThrowIfNull(collate);
        return new PrefetchLoader<Collation<TSample, TBatch>, TBatch>(sampleCount, options, new CollatingAssembler<TSample, TBatch>(load, collate));
    }
}

/// <summary>How a <see cref="PrefetchLoader{TBuffer, TBatch}"/> works.</summary>
public record LoaderOptions
{
    /// <summary>Samples in a batch of this process. Default 8; 1 to 4096.</summary>
    public int BatchSize { get; init; } = 8;

    /// <summary>Threads that prepare samples ahead of time; 0 prepares them on the calling thread. Default 4; 0 to 256.</summary>
    public int Workers { get; init; } = 4;

    /// <summary>How many batches are prepared ahead of the one in use. Default 2; 1 to 64. Each takes the memory of a batch.</summary>
    public int PrefetchBatches { get; init; } = 2;

    /// <summary>Whether a last batch with fewer samples is left out. Default false.</summary>
    public bool DropLast { get; init; }

    /// <summary>The seed of everything random about a sample, see <see cref="SampleContext"/>. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>Checks that every value is in its range.</summary>
    /// <exception cref="BadInputException">The first value that is out of its range.</exception>
    public virtual void Validate()
    {
        Require(BatchSize is >= 1 and <= 4096, "batch size", BatchSize, "Give a whole number from 1 to 4096.");
        Require(Workers is >= 0 and <= 256, "number of loader workers", Workers, "Give a whole number from 0 to 256.");
        Require(PrefetchBatches is >= 1 and <= 64, "number of batches to prefetch", PrefetchBatches, "Give a whole number from 1 to 64.");
    }

    /// <summary>Throws when an option is out of its range.</summary>
    /// <param name="inRange">Whether it is in its range.</param>
    /// <param name="name">The option in words, without an article.</param>
    /// <param name="value">Its value.</param>
    /// <param name="remedy">What to do: one sentence with its full stop.</param>
    /// <exception cref="BadInputException">It is out of its range.</exception>
    protected static void Require(bool inRange, string name, double value, string remedy)
    {
        if (!inRange)
        {
            throw new BadInputException($"the {name} is out of range", value.ToString(CultureInfo.InvariantCulture), remedy);
        }
    }
}
