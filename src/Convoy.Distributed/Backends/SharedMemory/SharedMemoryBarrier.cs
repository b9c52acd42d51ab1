namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>Lets the ranks wait for each other.</summary>
internal sealed unsafe class SharedMemoryBarrier : IBarrier
{
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
            Volatile.Write(ref *_control.Arrivals, 0);
            Volatile.Write(ref *_control.Generation, now);
            _watch.Wake(_control.Generation, _control.Sleepers);
            return;
        }

        _watch.WaitWhile(_control.Generation, before, _control.Sleepers, PeerWatch.AllRanks, operation);
    }
}
