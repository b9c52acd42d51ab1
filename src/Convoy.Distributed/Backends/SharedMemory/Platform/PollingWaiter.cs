using System.Diagnostics;

namespace Convoy.Distributed.Backends.SharedMemory.Platform;

/// <summary>Looks again, after a while every millisecond: for systems without a futex.</summary>
internal sealed unsafe class PollingWaiter : IWordWaiter
{
    private const int YieldsBeforePauses = 20;

    public void Wait(int* word, int value, TimeSpan limit)
    {
        var spinner = default(SpinWait);
        long start = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref *word) == value && Stopwatch.GetElapsedTime(start) < limit)
        {
            spinner.SpinOnce(sleep1Threshold: YieldsBeforePauses);
        }
    }

    public void WakeAll(int* word)
    {
        // Those who wait look by themselves.
    }
}
