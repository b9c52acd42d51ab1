using System.Globalization;

namespace Convoy.Metrics;

/// <summary>
/// What Linux control groups (containers) leave to this process. A limit may stand at the process's own group or at any
/// group above it; the smallest holds. Files: cgroup-v2.rst, and cgroup-v1/memory.rst and sched-bwc.rst, of Linux's documentation.
/// </summary>
/// <param name="Cpu">Cores' worth of time; null without a limit.</param>
/// <param name="MemoryBytes">Bytes of memory; null without a limit.</param>
/// <param name="MemoryUsedBytes">Bytes in use by the group with that limit; 0 without one.</param>
internal sealed record ControlGroupLimits(double? Cpu, long? MemoryBytes, long MemoryUsedBytes)
{
    private const string Mount = "sys/fs/cgroup";

    public static ControlGroupLimits Read(SystemFiles files)
    {
        double? cpu = null;
        (long Limit, long Used)? memory = null;
        foreach (string line in files.Lines("proc/self/cgroup"))
        {
            // HIERARCHY:CONTROLLERS:PATH; version 2 has one line with no controllers.
            string[] parts = line.Split(':', 3);
            if (parts.Length != 3)
            {
                continue;
            }

            string[] controllers = parts[1].Split(',');
            foreach (string group in WithParents(parts[2]))
            {
                if (parts[1].Length == 0)
                {
                    string folder = Mount + group;
                    cpu = Smaller(cpu, CpuMax(files, folder));
                    memory = Smaller(memory, MemoryLimit(files, $"{folder}/memory.max", $"{folder}/memory.current"));
                }
                else if (controllers.Contains("cpu"))
                {
                    cpu = Smaller(cpu, CpuQuota(files, $"{Mount}/{parts[1]}{group}") ?? CpuQuota(files, $"{Mount}/cpu{group}"));
                }
                else if (controllers.Contains("memory"))
                {
                    string folder = $"{Mount}/memory{group}";
                    memory = Smaller(memory, MemoryLimit(files, $"{folder}/memory.limit_in_bytes", $"{folder}/memory.usage_in_bytes"));
                }
            }
        }

        return new ControlGroupLimits(cpu, memory?.Limit, memory?.Used ?? 0);
    }

    // "/a/b" -> "/a/b", "/a", "": inside a container the path may name groups that only the host sees; the mount's own root counts too.
    private static IEnumerable<string> WithParents(string path)
    {
        string group = path.Trim('/');
        while (group.Length > 0)
        {
            yield return "/" + group;
            group = group[..Math.Max(0, group.LastIndexOf('/'))];
        }

        yield return "";
    }

    // "QUOTA PERIOD" in microseconds, or "max PERIOD".
    private static double? CpuMax(SystemFiles files, string folder)
    {
        string[] words = files.Lines($"{folder}/cpu.max").FirstOrDefault()?.Split(' ') ?? [];
        return words.Length == 2 ? Ratio(Number(words[0]), Number(words[1])) : null;
    }

    private static double? CpuQuota(SystemFiles files, string folder) =>
        Ratio(Number(files.Lines($"{folder}/cpu.cfs_quota_us").FirstOrDefault()), Number(files.Lines($"{folder}/cpu.cfs_period_us").FirstOrDefault()));

    private static double? Ratio(long? quota, long? period) => quota > 0 && period > 0 ? (double)quota / period : null;

    private static (long Limit, long Used)? MemoryLimit(SystemFiles files, string limitFile, string usedFile)
    {
        // Version 1 writes "no limit" as the largest whole number of pages.
        const long NoLimit = long.MaxValue / 2;
        return Number(files.Lines(limitFile).FirstOrDefault()) is > 0 and < NoLimit and long limit
            ? (limit, Number(files.Lines(usedFile).FirstOrDefault()) ?? 0)
            : null;
    }

    private static long? Number(string? text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value : null;

    private static double? Smaller(double? a, double? b) => a is null ? b : b is null ? a : Math.Min(a.Value, b.Value);

    private static (long Limit, long Used)? Smaller((long Limit, long Used)? a, (long Limit, long Used)? b) =>
        a is null ? b : b is null ? a : a.Value.Limit <= b.Value.Limit ? a : b;
}
