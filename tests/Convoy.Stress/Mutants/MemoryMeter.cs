using System.Globalization;

namespace Convoy.Stress.Mutants;

/// <summary>The memory of a process, as Linux tells it.</summary>
internal static class MemoryMeter
{
    private const string Own = "self";

    /// <summary>Begins anew to look for this process's peak.</summary>
    public static void ResetPeak() => System.IO.File.WriteAllText("/proc/self/clear_refs", "5");

    /// <summary>Resident bytes of this process, and the most since <see cref="ResetPeak"/>; its address space, and the most that it ever was.</summary>
    public static (long Resident, long PeakResident, long Mapped, long PeakMapped) Read()
    {
        string[] lines = Lines(Own);
        return (Bytes(lines, "VmRSS:"), Bytes(lines, "VmHWM:"), Bytes(lines, "VmSize:"), Bytes(lines, "VmPeak:"));
    }

    /// <summary>Resident bytes of another process; 0 when it has ended.</summary>
    public static long Resident(int process)
    {
        try
        {
            return Bytes(Lines(process.ToString(CultureInfo.InvariantCulture)), "VmRSS:");
        }
        catch (IOException)
        {
            // It ended between two looks.
            return 0;
        }
    }

    private static string[] Lines(string process) => System.IO.File.ReadAllLines($"/proc/{process}/status");

    // A process that has ended and was not waited for has no such lines.
    private static long Bytes(string[] lines, string name) =>
        Array.Find(lines, line => line.StartsWith(name, StringComparison.Ordinal)) is { } line
            ? 1024 * long.Parse(line[name.Length..^2].Trim(), NumberStyles.None, CultureInfo.InvariantCulture)
            : 0;
}
