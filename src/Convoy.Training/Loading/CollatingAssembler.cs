using System.Runtime.ExceptionServices;

namespace Convoy.Training.Loading;

/// <summary>Makes batches from two functions: one that loads a sample, one that puts samples together.</summary>
internal sealed class CollatingAssembler<TSample, TBatch>(Func<SampleContext, TSample> load, Func<IReadOnlyList<TSample>, TBatch> collate)
    : IBatchAssembler<Collation<TSample, TBatch>, TBatch>
    where TBatch : class, IDisposable
{
    public Collation<TSample, TBatch> Rent(int samples) => new(samples);

    public void Prepare(Collation<TSample, TBatch> buffer, int place, SampleContext sample) => buffer.Add(place, load(sample), collate);

    public TBatch Complete(Collation<TSample, TBatch> buffer, IReadOnlyList<int> indices, double waitSeconds) => buffer.Take();

    public void Return(Collation<TSample, TBatch> buffer) => buffer.Dispose();

    public void Dispose()
    {
    }
}

/// <summary>The samples of a batch; the worker that adds the last one collates them, so that the consumer does not have to.</summary>
internal sealed class Collation<TSample, TBatch>(int count) : IDisposable
    where TBatch : class, IDisposable
{
    private TSample?[] _samples = new TSample?[count];
    private int _missing = count;
    private TBatch? _batch;
    private ExceptionDispatchInfo? _failure;

    /// <summary>Takes a sample.</summary>
    public void Add(int place, TSample sample, Func<IReadOnlyList<TSample>, TBatch> collate)
    {
        _samples[place] = sample;
        if (Interlocked.Decrement(ref _missing) > 0)
        {
            return;
        }

        try
        {
            _batch = collate(_samples!);
        }
        catch (Exception error)
        {
            // Not the fault of a single sample: the error is the batch's.
            _failure = ExceptionDispatchInfo.Capture(error);
        }

        DisposeSamples();
    }

    /// <summary>The batch; throws the error of collating it, if there was one.</summary>
    public TBatch Take()
    {
        _failure?.Throw();
        TBatch batch = _batch ?? throw new InvalidOperationException("collate returned no batch.");
        _batch = null;
        return batch;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _batch?.Dispose();
        DisposeSamples();
    }

    private void DisposeSamples()
    {
        foreach (TSample? sample in _samples)
        {
            (sample as IDisposable)?.Dispose();
        }

        _samples = [];
    }
}
