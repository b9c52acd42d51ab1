using System.Globalization;
using System.Runtime.ExceptionServices;

namespace Convoy.Training.Loading;

/// <summary>
/// The preparation of one epoch: hands samples out to workers one by one, in order, no further ahead of the consumer than the prefetch
/// limit.
/// </summary>
/// <remarks>
/// Every sample has its own place in its own batch, so it does not matter which worker takes it. Buffers are rented and batches are made on
/// the consumer's thread only. A worker's failure is kept for the batch that it belongs to: the batches before are delivered.
/// </remarks>
internal sealed class EpochRun<TBuffer, TBatch> : IDisposable
    where TBuffer : class
    where TBatch : IDisposable
{
    private readonly object _gate = new();
    private readonly int[][] _batches;
    private readonly int _epoch;
    private readonly long _seed;
    private readonly IBatchAssembler<TBuffer, TBatch> _assembler;
    private readonly Slot[] _slots;
    private readonly Thread[] _workers;
    private int _nextBatch;
    private int _nextPlace;
    private int _opened;
    private bool _failed;
    private bool _stopped;

    public EpochRun(int[][] batches, int epoch, LoaderOptions options, IBatchAssembler<TBuffer, TBatch> assembler)
    {
        _batches = batches;
        _epoch = epoch;
        _seed = options.Seed;
        _assembler = assembler;
        _slots = new Slot[batches.Length];
        _workers = new Thread[Math.Min(options.Workers, batches.Sum(batch => batch.Length))];
        int ahead = _workers.Length == 0 ? 0 : options.PrefetchBatches;
        for (int batch = 0; batch < Math.Min(ahead, batches.Length); batch++)
        {
            Open();
        }

        for (int worker = 0; worker < _workers.Length; worker++)
        {
            _workers[worker] = new Thread(() => Work(waitForRoom: true))
            {
                IsBackground = true,
                Name = string.Create(CultureInfo.InvariantCulture, $"loader {worker}"),
            };
            _workers[worker].Start();
        }
    }

    /// <summary>Waits for a batch and lets the workers proceed by one batch. Called on the consumer's thread, batch after batch.</summary>
    /// <returns>The prepared samples, the caller's from now on; null when the run was stopped.</returns>
    public TBuffer? Take(int batch)
    {
        if (_workers.Length == 0)
        {
            Open();
            Work(waitForRoom: false);
        }

        lock (_gate)
        {
            Slot slot = _slots[batch];
            while (!_stopped && slot.Remaining > 0)
            {
                Monitor.Wait(_gate);
            }

            if (_stopped)
            {
                return null;
            }

            slot.Failure?.Throw();
            TBuffer? buffer = slot.Buffer;
            slot.Buffer = null;
            if (_workers.Length > 0 && _opened < _batches.Length)
            {
                Open();
                Monitor.PulseAll(_gate);
            }

            return buffer;
        }
    }

    /// <summary>Tells the workers to stop after their current sample.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Stops the workers, waits for them to end, and returns the buffers of batches that nobody took.</summary>
    public void Dispose()
    {
        Stop();
        foreach (Thread worker in _workers)
        {
            worker.Join();
        }

        lock (_gate)
        {
            foreach (Slot? slot in _slots)
            {
                if (slot?.Buffer is { } buffer)
                {
                    slot.Buffer = null;
                    _assembler.Return(buffer);
                }
            }
        }
    }

    private void Open()
    {
        int samples = _batches[_opened].Length;
        _slots[_opened] = new Slot { Buffer = _assembler.Rent(samples), Remaining = samples };
        _opened++;
    }

    private void Work(bool waitForRoom)
    {
        while (Next(waitForRoom) is var (batch, place) && batch >= 0)
        {
            Prepare(batch, place);
        }
    }

    /// <summary>The next sample to prepare; batch -1 when there is none.</summary>
    private (int Batch, int Place) Next(bool waitForRoom)
    {
        lock (_gate)
        {
            while (true)
            {
                if (_stopped || _failed || _nextBatch == _batches.Length)
                {
                    return (-1, 0);
                }

                if (_nextBatch < _opened)
                {
                    break;
                }

                if (!waitForRoom)
                {
                    return (-1, 0);
                }

                Monitor.Wait(_gate);
            }

            (int, int) next = (_nextBatch, _nextPlace++);
            if (_nextPlace == _batches[_nextBatch].Length)
            {
                _nextBatch++;
                _nextPlace = 0;
            }

            return next;
        }
    }

    private void Prepare(int batch, int place)
    {
        Slot slot = _slots[batch];
        int index = _batches[batch][place];
        try
        {
            _assembler.Prepare(slot.Buffer!, place, new SampleContext(index, _epoch, _seed));
            Finish(slot, place, null);
        }
        catch (BadInputException error)
        {
            Finish(slot, place, error);
        }
        catch (Exception error)
        {
            Finish(slot, place, new InvalidOperationException($"{_assembler.Describe(index)} could not be prepared: {error.Message}", error));
        }
    }

    private void Finish(Slot slot, int place, Exception? error)
    {
        lock (_gate)
        {
            if (error is not null)
            {
                _failed = true;

                // Several workers can fail in one batch: the first sample's error is kept, so that the message does not depend on timing.
                if (slot.Failure is null || place < slot.FailedPlace)
                {
                    slot.Failure = ExceptionDispatchInfo.Capture(error);
                    slot.FailedPlace = place;
                }

                // Samples of this batch that were not handed out never will be.
                if (_nextBatch < _batches.Length && ReferenceEquals(_slots[_nextBatch], slot))
                {
                    slot.Remaining -= _batches[_nextBatch].Length - _nextPlace;
                    _nextBatch = _batches.Length;
                }
            }

            if (--slot.Remaining == 0)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>A batch on its way.</summary>
    private sealed class Slot
    {
        /// <summary>The samples, until the consumer takes them.</summary>
        public TBuffer? Buffer { get; set; }

        /// <summary>Samples that are not prepared yet.</summary>
        public int Remaining { get; set; }

        /// <summary>The error of the first sample that failed.</summary>
        public ExceptionDispatchInfo? Failure { get; set; }

        /// <summary>The place of that sample in the batch.</summary>
        public int FailedPlace { get; set; }
    }
}
