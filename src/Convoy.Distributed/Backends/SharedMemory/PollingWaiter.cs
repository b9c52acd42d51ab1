using System.Diagnostics;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>Looks again every millisecond: for systems without a futex.</summary>
internal sealed unsafe class PollingWaiter : IWordWaiter
{
    public void Wait(int* word, int value, TimeSpan limit)
    {
        using var never = new ManualResetEventSlim();
        long start = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref *word) == value && Stopwatch.GetElapsedTime(start) < limit)
        {
            never.Wait(1);
        }
    }

    public void WakeAll(int* word)
    {
        // Those who wait look by themselves.
    }
}
