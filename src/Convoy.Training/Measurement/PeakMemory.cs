using System.Globalization;
using System.Runtime.InteropServices;
using Convoy.Metrics;

namespace Convoy.Training.Measurement;

/// <summary>
/// The largest resident set of this process since it was last asked to forget. Pages that several processes share, such as the buckets in which gradients are averaged,
/// count in each of them.
/// </summary>
/// <remarks>
/// Linux keeps a high-water mark for each process (<c>VmHWM</c>), which "5" in <c>/proc/self/clear_refs</c> sets back to what is resident now (proc(5)). Where that is not
/// granted, and on other systems, the mark stays the highest of the whole life, so that what needs least is to be measured first.
/// </remarks>
internal sealed partial class PeakMemory : IPeakMemory
{
    private const string ForgetFile = "/proc/self/clear_refs";
    private const string StatusFile = "/proc/self/status";
    private const string PeakName = "VmHWM:";

    /// <inheritdoc/>
    public bool Forget()
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        _ = TrimAllocator(0); // what is free but kept is not to count as what the next trial needs
        try
        {
            File.WriteAllText(ForgetFile, "5");
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false; // a container may forbid it
        }
    }

    /// <inheritdoc/>
    public long ReadBytes() => (OperatingSystem.IsLinux() ? MarkOf(File.ReadLines(StatusFile)) : null) ?? ProcessUsage.Read().PeakMemoryBytes ?? Environment.WorkingSet;

    /// <summary>The high-water mark in the lines of a <c>/proc/PID/status</c>, in bytes; null where there is none.</summary>
    internal static long? MarkOf(IEnumerable<string> lines)
    {
        string? line = lines.FirstOrDefault(line => line.StartsWith(PeakName, StringComparison.Ordinal));
        string[] words = line?[PeakName.Length..].Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries) ?? [];
        return words is [var number, "kB"] && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long kibibytes) ? kibibytes * 1024 : null;
    }

    // libtorch needs glibc, which has it.
    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int TrimAllocator(nuint keep);
}

/// <summary>A process's peak memory, as whoever measures it needs it.</summary>
internal interface IPeakMemory
{
    /// <summary>Measures anew from what the process holds now.</summary>
    /// <returns>Whether that is possible; if not, the peak stays that of all that came before.</returns>
    bool Forget();

    /// <summary>The peak in bytes.</summary>
    long ReadBytes();
}
