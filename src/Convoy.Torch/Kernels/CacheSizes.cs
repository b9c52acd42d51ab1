using System.Globalization;

namespace Convoy.Torch.Kernels;

/// <summary>The caches of a core, in bytes.</summary>
/// <param name="Level2">The second level, a core's own.</param>
/// <param name="LastLevel">The largest one, which cores may share.</param>
internal readonly record struct CacheSizes(long Level2, long LastLevel)
{
    private const string Linux = "/sys/devices/system/cpu/cpu0/cache";
    private const long Kibi = 1024;

    /// <summary>What is taken where the system does not tell: common numbers of today's processors.</summary>
    public static CacheSizes Assumed { get; } = new(1024 * Kibi, 32 * 1024 * Kibi);

    /// <summary>Those of this machine's first processor, from Linux's files; elsewhere <see cref="Assumed"/>, as .NET has no way to ask.</summary>
    public static CacheSizes OfThisMachine { get; } = Read(Linux);

    /// <summary>Reads a folder with a folder for each cache, which has the files <c>level</c>, <c>type</c> and <c>size</c> (as <c>1024K</c>).</summary>
    /// <param name="folder">As <c>/sys/devices/system/cpu/cpu0/cache</c>.</param>
    /// <returns>The sizes; <see cref="Assumed"/>'s for what is not told.</returns>
    public static CacheSizes Read(string folder)
    {
        long second = 0, last = 0;
        foreach (string cache in Directory.Exists(folder) ? Directory.GetDirectories(folder, "index*") : [])
        {
            if (Text(cache, "type") is "Unified" or "Data"
                && int.TryParse(Text(cache, "level"), CultureInfo.InvariantCulture, out int level)
                && Text(cache, "size") is [.. var number, 'K']
                && long.TryParse(number, CultureInfo.InvariantCulture, out long size))
            {
                second = level == 2 ? size * Kibi : second;
                last = level >= 2 ? Math.Max(last, size * Kibi) : last;
            }
        }

        return new(second > 0 ? second : Assumed.Level2, last > 0 ? last : Assumed.LastLevel);
    }

    private static string Text(string cache, string file)
    {
        string path = Path.Combine(cache, file);
        return File.Exists(path) ? File.ReadAllText(path).Trim() : string.Empty;
    }
}
