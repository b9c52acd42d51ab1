using System.Globalization;
using System.Runtime.InteropServices;

namespace Convoy.Metrics;

/// <summary>Reads what is known of the machine: from <c>/proc</c> and <c>/sys</c> on Linux, from .NET elsewhere.</summary>
public static class HostProbe
{
    /// <summary>Reads the machine that this process runs on. What the system does not tell is null; nothing is thrown.</summary>
    public static HostInfo Read() => Read("/") with { CounterRefusal = PerformanceCounters.FindRefusal() };

    /// <summary>Reads a machine whose <c>proc</c>, <c>sys</c> and <c>etc</c> folders lie in <paramref name="root"/>.</summary>
    internal static HostInfo Read(string root)
    {
        var files = new SystemFiles(root);
        CpuFacts cpu = CpuFacts.Read(files);
        ControlGroupLimits limits = ControlGroupLimits.Read(files);
        (long total, long available) = Memory(files, limits);

        return new HostInfo
        {
            OperatingSystem = OperatingSystem(files),
            Architecture = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant(),
            CpuModel = cpu.Model,
            PhysicalCores = cpu.PhysicalCores,
            LogicalCores = Math.Max(1, cpu.LogicalCores ?? Environment.ProcessorCount),
            UsableCores = Environment.ProcessorCount, // .NET counts affinity and control groups in
            CpuLimit = limits.Cpu,
            InstructionSets = cpu.InstructionSets,
            LastLevelCacheBytes = cpu.LastLevelCacheBytes,
            MemoryTotalBytes = total,
            MemoryAvailableBytes = available,
            Versions = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["dotnet"] = Environment.Version.ToString() },
        };
    }

    private static (long Total, long Available) Memory(SystemFiles files, ControlGroupLimits limits)
    {
        long? total = null, available = null;
        foreach (string line in files.Lines("proc/meminfo"))
        {
            string[] words = line.Split([' ', ':'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length >= 2 && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out long kibibytes))
            {
                total = words[0] == "MemTotal" ? kibibytes * 1024 : total;
                available = words[0] == "MemAvailable" ? kibibytes * 1024 : available;
            }
        }

        if (total is null)
        {
            GCMemoryInfo memory = GC.GetGCMemoryInfo();
            total = memory.TotalAvailableMemoryBytes;
            available = Math.Max(0, memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes);
        }

        long free = available ?? total.Value;
        return limits.MemoryBytes is { } limit && limit < total
            ? (limit, Math.Min(free, Math.Max(0, limit - limits.MemoryUsedBytes)))
            : (total.Value, free);
    }

    private static string OperatingSystem(SystemFiles files)
    {
        const string Key = "PRETTY_NAME=";
        string? name = files.Lines("etc/os-release").FirstOrDefault(l => l.StartsWith(Key, StringComparison.Ordinal))?[Key.Length..].Trim('"', '\'');
        string? kernel = files.Lines("proc/sys/kernel/osrelease").FirstOrDefault();
        return (name, kernel) switch
        {
            (not null, not null) => $"{name}, Linux {kernel}",
            (not null, null) => name,
            _ => RuntimeInformation.OSDescription,
        };
    }
}
