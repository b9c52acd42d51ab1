using System.Globalization;
using System.Runtime.ExceptionServices;

namespace Convoy.Lanes.Data;

/// <summary>
/// The preparation of one epoch: hands frames out to workers one by one, in order, not further than the prefetch limit
/// ahead of the consumer.
/// </summary>
/// <remarks>
/// Every frame has its own place in its own batch, so it doesn't matter which worker takes it. Tensors are made on the
/// consumer's thread only. A worker's failure is kept for the batch that it belongs to: the batches before are delivered.
/// </remarks>
internal sealed class EpochRun : IDisposable
{
    private readonly object _gate = new();
    private readonly int[][] _batches;
    private readonly int _epoch;
    private readonly LaneDataset _dataset;
    private readonly BatchBufferPool _buffers;
    private readonly Func<FrameAssembler> _rent;
    private readonly Action<FrameAssembler> _return;
    private readonly BatchSlot[] _slots;
    private readonly Thread[] _workers;
    private int _nextBatch;
    private int _nextPlace;
    private int _opened;
    private bool _failed;
    private bool _stopped;

    public EpochRun(
        int[][] batches,
        int epoch,
        LaneLoaderOptions options,
        LaneDataset dataset,
        BatchBufferPool buffers,
        Func<FrameAssembler> rent,
        Action<FrameAssembler> giveBack)
    {
        _batches = batches;
        _epoch = epoch;
        _dataset = dataset;
        _buffers = buffers;
        _rent = rent;
        _return = giveBack;
        _slots = new BatchSlot[batches.Length];
        _workers = new Thread[Math.Min(options.Workers, batches.Sum(batch => batch.Length))];
        int ahead = _workers.Length == 0 ? 0 : options.PrefetchBatches;
        for (int batch = 0; batch < Math.Min(ahead, batches.Length); batch++)
        {
            Open();
        }

        for (int worker = 0; worker < _workers.Length; worker++)
        {
            FrameAssembler assembler = rent();
            _workers[worker] = new Thread(() => Work(assembler))
            {
                IsBackground = true,
                Name = string.Create(CultureInfo.InvariantCulture, $"lane loader {worker}"),
            };
            _workers[worker].Start();
        }
    }

    /// <summary>Waits for a batch and lets the workers go one batch further. Called on the consumer's thread, batch after batch.</summary>
    /// <returns>The batch's memory, which is the caller's from now on; null when the run was stopped.</returns>
    public BatchBuffer? Take(int batch)
    {
        if (_workers.Length == 0)
        {
            Open();
            WorkUntilEmpty();
        }

        lock (_gate)
        {
            BatchSlot slot = _slots[batch];
            while (!_stopped && slot.Remaining > 0)
            {
                Monitor.Wait(_gate);
            }

            if (_stopped)
            {
                return null;
            }

            slot.Failure?.Throw();
            BatchBuffer? buffer = slot.Buffer;
            slot.Buffer = null;
            if (_workers.Length > 0 && _opened < _batches.Length)
            {
                Open();
                Monitor.PulseAll(_gate);
            }

            return buffer;
        }
    }

    /// <summary>Tells the workers to stop after the frame that they are at.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Stops the workers, waits until they have ended, and gives back the memory of batches that nobody took.</summary>
    public void Dispose()
    {
        Stop();
        foreach (Thread worker in _workers)
        {
            worker.Join();
        }

        lock (_gate)
        {
            foreach (BatchSlot? slot in _slots)
            {
                if (slot?.Buffer is { } buffer)
                {
                    slot.Buffer = null;
                    _buffers.Return(buffer);
                }
            }
        }
    }

    private void Open()
    {
        _slots[_opened] = new BatchSlot(_buffers.Rent(), _batches[_opened].Length);
        _opened++;
    }

    private void Work(FrameAssembler assembler)
    {
        while (Next(wait: true) is var (batch, place) && batch >= 0)
        {
            Assemble(assembler, batch, place);
        }

        _return(assembler);
    }

    private void WorkUntilEmpty()
    {
        FrameAssembler assembler = _rent();
        while (Next(wait: false) is var (batch, place) && batch >= 0)
        {
            Assemble(assembler, batch, place);
        }

        _return(assembler);
    }

    /// <summary>The next frame to prepare; batch -1 when there is none.</summary>
    private (int Batch, int Place) Next(bool wait)
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

                if (!wait)
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

    private void Assemble(FrameAssembler assembler, int batch, int place)
    {
        BatchSlot slot = _slots[batch];
        int frame = _batches[batch][place];
        try
        {
            assembler.Assemble(frame, _epoch, slot.Buffer!.Image(place), slot.Buffer.Mask(place));
            Finish(slot, place, null);
        }
        catch (BadInputException error)
        {
            Finish(slot, place, error);
        }
        catch (Exception error)
        {
            Finish(slot, place, new InvalidOperationException($"{_dataset.Frames[frame].ImagePath} could not be prepared: {error.Message}", error));
        }
    }

    private void Finish(BatchSlot slot, int place, Exception? error)
    {
        lock (_gate)
        {
            if (error is not null)
            {
                _failed = true;

                // Several workers can fail in one batch: the first frame's error is kept, so that the message doesn't depend on timing.
                if (slot.Failure is null || place < slot.FailedPlace)
                {
                    slot.Failure = ExceptionDispatchInfo.Capture(error);
                    slot.FailedPlace = place;
                }

                // Frames of this batch that were not handed out never will be.
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
}
