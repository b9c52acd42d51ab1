using System.Globalization;

namespace Convoy.Metrics;

/// <summary>A cache of the first core, without those of instructions alone.</summary>
/// <param name="Level">1, 2, 3; 0 when the system does not tell.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="SharedBy">The logical cores that share it, as Linux lists them: <c>0-7</c>; empty when the system does not tell.</param>
public sealed record ProcessorCache(int Level, long Bytes, string SharedBy)
{
    private const string Folder = "sys/devices/system/cpu/cpu0/cache";

    /// <summary>Reads those of this machine from Linux's <c>/sys</c>, the nearest first; none elsewhere.</summary>
    public static IReadOnlyList<ProcessorCache> Read() => Read(new SystemFiles("/"));

    /// <summary>Reads those of a machine whose files are given.</summary>
    internal static IReadOnlyList<ProcessorCache> Read(SystemFiles files)
    {
        var found = new List<ProcessorCache>();
        foreach (string cache in files.Entries(Folder))
        {
            string Text(string file) => files.Lines($"{Folder}/{cache}/{file}").FirstOrDefault() ?? "";
            if (Text("type") != "Instruction" && BytesOf(Text("size")) is { } bytes)
            {
                _ = int.TryParse(Text("level"), NumberStyles.None, CultureInfo.InvariantCulture, out int level);
                found.Add(new ProcessorCache(level, bytes, Text("shared_cpu_list")));
            }
        }

        return [.. found.OrderBy(cache => cache.Level)];
    }

    // As the kernel writes it: 48K, 32M.
    private static long? BytesOf(string size)
    {
        long unit = size.EndsWith('K') ? 1L << 10 : size.EndsWith('M') ? 1L << 20 : 1;
        return long.TryParse(size.TrimEnd('K', 'M'), NumberStyles.None, CultureInfo.InvariantCulture, out long count) ? count * unit : null;
    }
}
