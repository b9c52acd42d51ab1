using System.Diagnostics;
using Convoy.Distributed.Errors;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// Lets the ranks wait for each other: first spinning for some microseconds, then asleep, so that ranks that share a core do
/// not take it from the one they wait for. A long wait looks whether the missing ranks' processes still run.
/// </summary>
internal sealed unsafe class SharedMemoryBarrier
{
    // Enough for ranks that arrive together; a context switch costs about as much.
    private static readonly TimeSpan SpinTime = TimeSpan.FromMicroseconds(50);
    private static readonly TimeSpan SleepSlice = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan TimeToLookAfterPeers = TimeSpan.FromSeconds(1);

    private readonly ControlBlock _control;
    private readonly IWordWaiter _waiter;
    private readonly int _rank;
    private readonly int _size;
    private readonly TimeSpan _timeout;
    private readonly bool _spins;
    private readonly bool[] _visible;
    private int _generation;

    public SharedMemoryBarrier(ControlBlock control, IWordWaiter waiter, int rank, int size, TimeSpan timeout)
    {
        _control = control;
        _waiter = waiter;
        _rank = rank;
        _size = size;
        _timeout = timeout;
        _visible = new bool[size];
        // Where ranks outnumber cores, a spinning rank keeps the awaited one from running.
        _spins = size <= Environment.ProcessorCount;
    }

    /// <summary>Notes which ranks' processes can be watched. Call it once, when all ranks have written their slots.</summary>
    public void WatchPeers()
    {
        for (int rank = 0; rank < _size; rank++)
        {
            _visible[rank] = Identity(rank).IsVisible;
        }
    }

    /// <summary>Returns when all ranks have called it as often as this one.</summary>
    /// <param name="operation">What to call the operation in an error.</param>
    /// <exception cref="CollectiveTimeoutException">Some ranks did not come.</exception>
    /// <exception cref="PeerLostException">A rank that has not come ended or left.</exception>
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
            Interlocked.Exchange(ref *_control.Generation, now);
            if (Volatile.Read(ref *_control.Sleepers) > 0)
            {
                _waiter.WakeAll(_control.Generation);
            }

            return;
        }

        long start = Stopwatch.GetTimestamp();
        if (!SpinUntilOpen(before, start))
        {
            SleepUntilOpen(before, start, operation);
        }
    }

    private bool SpinUntilOpen(int before, long start)
    {
        do
        {
            for (int i = 0; i < 32; i++)
            {
                if (Volatile.Read(ref *_control.Generation) != before)
                {
                    return true;
                }

                Thread.SpinWait(4);
            }
        }
        while (_spins && Stopwatch.GetElapsedTime(start) < SpinTime);
        return false;
    }

    private void SleepUntilOpen(int before, long start, string operation)
    {
        Interlocked.Increment(ref *_control.Sleepers);
        try
        {
            while (Volatile.Read(ref *_control.Generation) == before)
            {
                TimeSpan left = _timeout - Stopwatch.GetElapsedTime(start);
                _waiter.Wait(_control.Generation, before, left < SleepSlice ? TimeSpan.FromTicks(Math.Max(1, left.Ticks)) : SleepSlice);
                if (Volatile.Read(ref *_control.Generation) == before)
                {
                    RequireHope(start, operation);
                }
            }
        }
        finally
        {
            Interlocked.Decrement(ref *_control.Sleepers);
        }
    }

    private void RequireHope(long start, string operation)
    {
        TimeSpan waited = Stopwatch.GetElapsedTime(start);
        int[] missing = [.. Enumerable.Range(0, _size).Where(rank => Volatile.Read(ref _control.Slot(rank)->Arrived) != _generation)];
        if (missing.Length == 0)
        {
            // All have arrived and one of them opens the barrier this instant, unless it ended before it could.
            missing = [.. Enumerable.Range(0, _size).Where(rank => rank != _rank)];
        }

        foreach (int rank in missing)
        {
            bool left = Volatile.Read(ref _control.Slot(rank)->Left) != 0;
            if (left || (waited >= TimeToLookAfterPeers && _visible[rank] && Identity(rank).HasEnded))
            {
                throw new PeerLostException(operation, rank, _control.Slot(rank)->ProcessId, left);
            }
        }

        if (waited >= _timeout)
        {
            throw new CollectiveTimeoutException(operation, missing, _timeout);
        }
    }

    private ProcessIdentity Identity(int rank) => new(_control.Slot(rank)->ProcessId, _control.Slot(rank)->ProcessStart);
}
