using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Convoy.Metrics;

/// <summary>
/// What this process has used since it started: <c>getrusage</c> on Linux and macOS, elsewhere what .NET knows. One reading
/// takes about a microsecond there, so that every step can have its own.
/// </summary>
/// <param name="CpuSeconds">Processor time of all threads, user and system, in seconds.</param>
/// <param name="PeakMemoryBytes">The largest resident set so far, in bytes; null where the system does not tell. Linux counts in what the process held before it became this program.</param>
/// <param name="ContextSwitches">How often threads left a core; null where the system does not tell.</param>
public readonly partial record struct ProcessUsage(double CpuSeconds, long? PeakMemoryBytes, ContextSwitches? ContextSwitches)
{
    private const long BytesPerKibibyte = 1024;

    /// <summary>Reads the usage of this process up to now.</summary>
    public static ProcessUsage Read() =>
        (OperatingSystem.IsLinux() || OperatingSystem.IsMacOS()) && Usage(0, out ResourceUsage usage) == 0
            ? new ProcessUsage(
                usage.UserTime.Seconds + usage.SystemTime.Seconds,
                usage.MaximumResidentSet * (OperatingSystem.IsLinux() ? BytesPerKibibyte : 1), // macOS counts bytes
                new ContextSwitches(usage.VoluntarySwitches, usage.InvoluntarySwitches))
            : FromDotnet();

    /// <summary>What was used after <paramref name="earlier"/>; the peak, which has no difference, stays this reading's.</summary>
    public ProcessUsage Since(ProcessUsage earlier) => new(
        CpuSeconds - earlier.CpuSeconds,
        PeakMemoryBytes,
        ContextSwitches is { } now && earlier.ContextSwitches is { } before ? new ContextSwitches(now.Voluntary - before.Voluntary, now.Involuntary - before.Involuntary) : null);

    private static ProcessUsage FromDotnet()
    {
        using var process = Process.GetCurrentProcess();
        return new ProcessUsage(process.TotalProcessorTime.TotalSeconds, process.PeakWorkingSet64 is > 0 and long peak ? peak : null, null);
    }

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static partial int Usage(int who, out ResourceUsage usage);

    // struct timeval. macOS has an int of microseconds and leaves the four bytes behind it undefined.
    private readonly struct TimeValue
    {
        private readonly nint _seconds;
        private readonly nint _microseconds;

        public double Seconds => _seconds + ((int)_microseconds * 1e-6);
    }

    // struct rusage: 14 longs behind the two times.
    private readonly struct ResourceUsage
    {
        public readonly TimeValue UserTime;
        public readonly TimeValue SystemTime;
        public readonly nint MaximumResidentSet;
        private readonly Unread _unread;
        public readonly nint VoluntarySwitches;
        public readonly nint InvoluntarySwitches;
    }

    // ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock, msgsnd, msgrcv, nsignals
    [System.Runtime.CompilerServices.InlineArray(11)]
    private struct Unread
    {
        private nint _first;
    }
}
