using Convoy.Distributed.Backends.SharedMemory;

namespace Convoy.Distributed.ParallelTests.Worker.Barriers;

/// <summary>
/// <see cref="SharedMemoryBarrier"/> with a classical fault: the count of arrivals goes back to zero only after the barrier is
/// open. A rank that is fast enough to arrive at the next barrier before that is forgotten, and all wait for ever.
/// </summary>
internal sealed unsafe class LateResetBarrier(ControlBlock control, PeerWatch watch, int rank, int size) : IBarrier
{
    private int _generation;

    public void Wait(string operation, TimeSpan more = default)
    {
        int before = _generation;
        int now = unchecked(before + 1);
        _generation = now;
        Volatile.Write(ref control.Slot(rank)->Arrived, now);
        if (Interlocked.Increment(ref *control.Arrivals) == size)
        {
            Volatile.Write(ref *control.Generation, now);
            watch.Wake(control.Generation, control.Sleepers);
            Volatile.Write(ref *control.Arrivals, 0); // Too late.
            return;
        }

        watch.WaitWhile(control.Generation, before, control.Sleepers, PeerWatch.AllRanks, operation);
    }
}
