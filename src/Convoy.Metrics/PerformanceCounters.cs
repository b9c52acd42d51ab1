using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Convoy.Metrics;

/// <summary>
/// The processor's own counters of this process: cache misses and instructions of all its threads, outside the kernel, by <c>perf_event_open</c> on Linux
/// x64 and arm64. Many systems grant none: virtual machines have none, containers forbid the call. Then there is a <see cref="Refusal"/> and no reading, never an error.
/// </summary>
/// <remarks>A reading takes about a microsecond for each thread that lived when the counters were opened; later threads are counted with the one that started them.</remarks>
public sealed partial class PerformanceCounters : IDisposable
{
    private const int NoSuchProcess = 3;
    private const string NotLinux = "cache misses are counted on Linux x64 and arm64 only";
    private const string ParanoiaFile = "proc/sys/kernel/perf_event_paranoid";

    private readonly SafeFileHandle[] _cacheMisses;
    private readonly SafeFileHandle[] _instructions;

    private PerformanceCounters(CounterEvent misses, CounterEvent instructions)
    {
        (_cacheMisses, Refusal) = OpenAll(misses);
        (_instructions, _) = Refusal is null ? OpenAll(instructions) : ([], null);
    }

    /// <summary>Why nothing is counted, as a part of a sentence; null when cache misses are.</summary>
    public string? Refusal { get; }

    /// <summary>Starts to count, where the kernel grants it.</summary>
    public static PerformanceCounters Open() => Open(CounterEvent.CacheMisses, CounterEvent.Instructions);

    /// <summary>Counts two events of any kind.</summary>
    internal static PerformanceCounters Open(CounterEvent misses, CounterEvent instructions) => new(misses, instructions);

    /// <summary>Why the kernel grants no counter of cache misses; null when it does.</summary>
    public static string? FindRefusal()
    {
        if (SystemCall is not { } call)
        {
            return NotLinux;
        }

        using SafeFileHandle? counter = Open(call, CounterEvent.CacheMisses, thread: 0);
        return counter is null ? WhyNot(Marshal.GetLastPInvokeError()) : null;
    }

    /// <summary>What was counted so far; null when nothing is counted.</summary>
    public CounterReading? Read() =>
        Refusal is null && Sum(_cacheMisses) is { } misses ? new CounterReading(misses, _instructions.Length > 0 ? Sum(_instructions) : null) : null;

    /// <summary>Ends the counting.</summary>
    public void Dispose() => Array.ForEach([.. _cacheMisses, .. _instructions], counter => counter.Dispose());

    // The number of perf_event_open.
    private static nint? SystemCall => !OperatingSystem.IsLinux() ? null : RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 298,
        Architecture.Arm64 => 241,
        _ => null,
    };

    // Threads that libtorch has made before are not those that this thread will start.
    private static (SafeFileHandle[] Counters, string? Refusal) OpenAll(CounterEvent counted)
    {
        if (SystemCall is not { } call)
        {
            return ([], NotLinux);
        }

        var counters = new List<SafeFileHandle>();
        foreach (string name in new SystemFiles("/").Entries("proc/self/task"))
        {
            if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int thread))
            {
                if (Open(call, counted, thread) is { } counter)
                {
                    counters.Add(counter);
                }
                else if (Marshal.GetLastPInvokeError() is not NoSuchProcess and var error)
                {
                    // All threads or nothing: a part of the misses would pass for all of them.
                    counters.ForEach(opened => opened.Dispose());
                    return ([], WhyNot(error));
                }
            }
        }

        return counters.Count > 0 ? ([.. counters], null) : ([], "the system does not list this process's threads");
    }

    private static SafeFileHandle? Open(nint call, CounterEvent counted, int thread)
    {
        const ulong inherit = 1UL << 1, excludeKernel = 1UL << 5, excludeHypervisor = 1UL << 6;
        const ulong totalTimes = 3; // PERF_FORMAT_TOTAL_TIME_ENABLED and _RUNNING
        const nuint closeOnExec = 8;
        var attributes = new EventAttributes
        {
            Type = (uint)counted.Type,
            Size = (uint)Marshal.SizeOf<EventAttributes>(),
            Config = counted.Config,
            ReadFormat = totalTimes,
            Flags = inherit | excludeKernel | excludeHypervisor,
        };
        nint descriptor = PerfEventOpen(call, in attributes, thread, anyCore: -1, noGroup: -1, closeOnExec);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : null;
    }

    private static string WhyNot(int error)
    {
        const int notPermitted = 1, noSuchEvent = 2, forbidden = 13, noSuchDevice = 19, noSuchCall = 38, notSupported = 95;
        return error switch
        {
            notPermitted or forbidden => $"the kernel does not let this process count cache misses (perf_event_paranoid is {new SystemFiles("/").Lines(ParanoiaFile).FirstOrDefault() ?? "not shown"}; containers may forbid the call as well)",
            noSuchEvent or noSuchDevice or notSupported => "this machine shows no counter of cache misses, as most virtual machines do not",
            noSuchCall => "this kernel has no performance counters",
            _ => $"cache misses cannot be counted ({Marshal.GetPInvokeErrorMessage(error)})",
        };
    }

    // Where there are fewer counters than events, the kernel takes turns, and tells for how long each counted. Null when a counter cannot be read.
    private static long? Sum(SafeFileHandle[] counters)
    {
        double sum = 0;
        foreach (SafeFileHandle counter in counters)
        {
            if (Read(counter, out CounterValue value, (nuint)Marshal.SizeOf<CounterValue>()) != Marshal.SizeOf<CounterValue>())
            {
                return null;
            }

            // A thread that has not been on a core yet has counted nothing.
            sum += value.TimeRunning > 0 ? (double)value.Count * value.TimeEnabled / value.TimeRunning : 0;
        }

        return (long)sum;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint PerfEventOpen(nint number, in EventAttributes attributes, nint thread, nint anyCore, nint noGroup, nuint flags);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(SafeFileHandle counter, out CounterValue value, nuint size);

    // struct perf_event_attr in its first form, of 64 bytes, which every kernel takes.
    private struct EventAttributes
    {
        public uint Type;
        public uint Size;
        public ulong Config;
        public ulong SamplePeriod;
        public ulong SampleType;
        public ulong ReadFormat;
        public ulong Flags;
        public uint WakeupEvents;
        public uint BreakpointType;
        public ulong BreakpointAddress;
    }

    private readonly struct CounterValue
    {
        public readonly ulong Count;
        public readonly ulong TimeEnabled;
        public readonly ulong TimeRunning;
    }
}

/// <summary>What the processor counted.</summary>
/// <param name="CacheMisses">
/// Accesses to memory that the caches did not serve, as the kernel's <c>PERF_COUNT_HW_CACHE_MISSES</c> has it: the last level's on Intel's and most ARM processors, the second level's on AMD's.
/// </param>
/// <param name="Instructions">Instructions; null when they are not counted.</param>
public readonly record struct CounterReading(long CacheMisses, long? Instructions)
{
    /// <summary>What was counted after <paramref name="earlier"/>; at least 0, though what the kernel estimates while counters take turns may fall.</summary>
    public CounterReading Since(CounterReading earlier) =>
        new(Math.Max(0, CacheMisses - earlier.CacheMisses), Instructions - earlier.Instructions is { } more ? Math.Max(0, more) : null);
}

/// <summary>An event of <c>perf_event_open</c>.</summary>
internal readonly record struct CounterEvent(CounterType Type, ulong Config)
{
    public static readonly CounterEvent CacheMisses = new(CounterType.Hardware, 3), Instructions = new(CounterType.Hardware, 1);

    /// <summary>Events of the kernel itself, which every machine has: nanoseconds on a core, and page faults.</summary>
    public static readonly CounterEvent TaskClock = new(CounterType.Software, 1), PageFaults = new(CounterType.Software, 2);
}

/// <summary>Who counts.</summary>
internal enum CounterType : uint
{
    /// <summary>The processor.</summary>
    Hardware = 0,

    /// <summary>The kernel.</summary>
    Software = 1,
}
