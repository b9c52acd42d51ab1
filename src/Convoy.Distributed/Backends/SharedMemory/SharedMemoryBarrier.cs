namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>Lets the ranks wait for each other.</summary>
internal sealed unsafe class SharedMemoryBarrier : IBarrier
{
    // More than there can be ranks: with it taken away, the arrivals of a barrier never add up.
    private const int Withdrawal = 1 << 16;

    private readonly ControlBlock _control;
    private readonly PeerWatch _watch;
    private readonly int _rank;
    private readonly int _size;
    private int _generation;

    public SharedMemoryBarrier(ControlBlock control, PeerWatch watch, int rank, int size)
    {
        _control = control;
        _watch = watch;
        _rank = rank;
        _size = size;
    }

    /// <inheritdoc/>
    public void Wait(string operation)
    {
        int before = _generation;
        int now = unchecked(before + 1);
        _generation = now;
        Volatile.Write(ref _control.Slot(_rank)->Arrived, now);
        if (Interlocked.Increment(ref *_control.Arrivals) == _size)
        {
            // The next barrier's arrivals start only after the generation is out.
            Interlocked.Add(ref *_control.Arrivals, -_size);
            Volatile.Write(ref *_control.Generation, now);
            _watch.Wake(_control.Generation, _control.Sleepers);
            return;
        }

        try
        {
            _watch.WaitWhile(_control.Generation, before, _control.Sleepers, PeerWatch.AllRanks, operation);
        }
        catch
        {
            if (IsWithdrawn(before))
            {
                throw;
            }
        }
    }

    // A rank that comes after this one gave up must not find all there and go on alone.
    private bool IsWithdrawn(int generation)
    {
        Interlocked.Add(ref *_control.Arrivals, -Withdrawal);
        if (Volatile.Read(ref *_control.Generation) == generation)
        {
            return true;
        }

        // All came at the last moment. What was counted is the next barrier, which cannot end without this rank.
        Interlocked.Add(ref *_control.Arrivals, Withdrawal);
        return false;
    }
}
