using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>Sleeps until another process changes a word of shared memory.</summary>
internal unsafe interface IWordWaiter
{
    /// <summary>Returns when <paramref name="word"/> is no longer <paramref name="value"/>, at the latest after <paramref name="limit"/>; it may return early.</summary>
    void Wait(int* word, int value, TimeSpan limit);

    /// <summary>Wakes every process that waits at <paramref name="word"/>.</summary>
    void WakeAll(int* word);
}

/// <summary>Linux's futex(2) on shared memory: a sleeping rank costs no processor time and wakes within microseconds.</summary>
internal sealed unsafe class FutexWaiter : IWordWaiter
{
    private const int FutexWait = 0;
    private const int FutexWake = 1;

    private static nint FutexCall => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 202 : 98;

    /// <summary>Whether this system has it: 64-bit Linux on x86 or Arm, whose call numbers are known.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture is (Architecture.X64 or Architecture.Arm64);

    public void Wait(int* word, int value, TimeSpan limit)
    {
        // The outcome does not matter: woken, changed already, interrupted and timed out all mean "look again".
        long* time = stackalloc long[2] { limit.Ticks / TimeSpan.TicksPerSecond, limit.Ticks % TimeSpan.TicksPerSecond * 100 };
        _ = syscall(FutexCall, word, FutexWait, value, time, null, 0);
    }

    public void WakeAll(int* word) => _ = syscall(FutexCall, word, FutexWake, int.MaxValue, null, null, 0);

#pragma warning disable IDE1006 // The C library's name.
    [DllImport("libc", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint syscall(nint number, int* word, nint operation, nint value, long* timeout, void* word2, nint value3);
#pragma warning restore IDE1006
}

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
