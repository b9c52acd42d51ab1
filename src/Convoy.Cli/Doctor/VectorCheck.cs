using System.Globalization;
using System.Runtime.Intrinsics;
using Convoy.Metrics;
using Convoy.Training.Kernels;
using Convoy.Training.Measurement;

namespace Convoy.Cli.Doctor;

/// <summary>Finds out how wide the processor computes, how near its memory is, and what was chosen for it so far.</summary>
internal static class VectorCheck
{
    private const string Caches = "/sys/devices/system/cpu/cpu0/cache";

    /// <summary>Looks at the vector units; about 0.2 s.</summary>
    /// <param name="host">The machine.</param>
    public static VectorUnits FindVectors(HostInfo host)
    {
        int usable = Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;
        int has = host.InstructionSets.Contains("avx512f") ? 512 : host.InstructionSets.Contains("avx2") ? 256 : 128;
        return new VectorUnits(Math.Max(has, usable), usable, MultiplyAddMeter.Measure());
    }

    /// <summary>The first core's caches, from the nearest; none where the system does not tell.</summary>
    public static IReadOnlyList<ProcessorCache> FindCaches()
    {
        if (!Directory.Exists(Caches))
        {
            return [];
        }

        var found = new List<ProcessorCache>();
        foreach (string folder in Directory.GetDirectories(Caches, "index*"))
        {
            string? type = Read(folder, "type");
            if (type is not null and not "Instruction" && int.TryParse(Read(folder, "level"), NumberStyles.None, CultureInfo.InvariantCulture, out int level) && Bytes(Read(folder, "size")) is { } bytes)
            {
                found.Add(new ProcessorCache(level, bytes, Read(folder, "shared_cpu_list") ?? string.Empty));
            }
        }

        return [.. found.OrderBy(cache => cache.Level)];
    }

    /// <summary>Where choices of kernels are kept.</summary>
    public static ChosenKernels FindKernels()
    {
        string? folder = KernelCache.UserFolder;
        return new ChosenKernels(folder, folder is null ? 0 : KernelCache.CountSurroundings(folder));
    }

    private static string? Read(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        return File.Exists(path) ? File.ReadAllText(path).Trim() : null;
    }

    // As the kernel writes it: 48K, 32M.
    private static long? Bytes(string? size)
    {
        long unit = size?.LastOrDefault() switch { 'K' => 1L << 10, 'M' => 1L << 20, _ => 1 };
        return long.TryParse(size?.TrimEnd('K', 'M'), NumberStyles.None, CultureInfo.InvariantCulture, out long count) ? count * unit : null;
    }
}
