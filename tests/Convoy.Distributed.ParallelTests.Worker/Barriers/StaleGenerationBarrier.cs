using Convoy.Distributed.Backends.SharedMemory;

namespace Convoy.Distributed.ParallelTests.Worker.Barriers;

/// <summary>
/// <see cref="SharedMemoryBarrier"/> with another classical fault: now and then a rank compares with a generation that is one
/// too old, and so goes through before the others have arrived.
/// </summary>
internal sealed unsafe class StaleGenerationBarrier(ControlBlock control, PeerWatch watch, int rank, int size) : IBarrier
{
    private const int Period = 1000;

    private int _generation;

    public void Wait(string operation, TimeSpan more = default)
    {
        int now = unchecked(_generation + 1);
        int before = now % Period == rank ? unchecked(_generation - 1) : _generation;
        _generation = now;
        Volatile.Write(ref control.Slot(rank)->Arrived, now);
        if (Interlocked.Increment(ref *control.Arrivals) == size)
        {
            Volatile.Write(ref *control.Arrivals, 0);
            Volatile.Write(ref *control.Generation, now);
            watch.Wake(control.Generation, control.Sleepers);
            return;
        }

        watch.WaitWhile(control.Generation, before, control.Sleepers, PeerWatch.AllRanks, operation);
    }
}
