using System.Globalization;

namespace Convoy.Stress.Mutants;

/// <summary>What other programs take of a thread's time.</summary>
internal static class BusyMachine
{
    private const string File = "/proc/thread-self/schedstat";
    private const int NanosecondsPerTick = 100;

    /// <summary>How long this thread could have run so far and had no core; zero where the system does not tell.</summary>
    public static TimeSpan TimeWaitedForACore() => System.IO.File.Exists(File) && System.IO.File.ReadAllText(File).Split(' ') is [_, { } nanoseconds, ..]
        ? TimeSpan.FromTicks(long.Parse(nanoseconds, NumberStyles.None, CultureInfo.InvariantCulture) / NanosecondsPerTick)
        : TimeSpan.Zero;
}
