using Convoy.Lanes.Data;

namespace Convoy.Cli.Benchmarks.Loading;

/// <summary>A way to prepare batches.</summary>
/// <param name="Source">"jpeg": decoded each time; "cache": from the memory-mapped cache of decoded frames.</param>
/// <param name="Workers">Loader threads; 0 prepares each batch when it is asked for.</param>
/// <param name="Augmented">Whether frames are changed at random, with the default ranges.</param>
internal sealed record LoaderStrategy(string Source, int Workers, bool Augmented)
{
    /// <summary>The source that is the cache.</summary>
    public const string Cache = "cache";

    /// <summary>The source that is the image files.</summary>
    public const string Jpeg = "jpeg";

    /// <summary>All strategies, with <paramref name="workers"/> threads where there are any.</summary>
    public static IReadOnlyList<LoaderStrategy> All(int workers) =>
    [
        .. from source in (string[])[Jpeg, Cache]
           from threads in (int[])[0, workers]
           from augmented in (bool[])[true, false]
           select new LoaderStrategy(source, threads, augmented),
    ];

    /// <summary>The loader's options.</summary>
    public LaneLoaderOptions Options(LoaderSettings settings, string cacheFolder) => new()
    {
        ImageSize = settings.ImageSize,
        BatchSize = settings.BatchSize,
        Workers = Workers,
        Augmentation = Augmented ? AugmentationOptions.Default : AugmentationOptions.None,
        CacheDirectory = Source == Cache ? cacheFolder : null,
        ChannelsLast = settings.ChannelsLast,
        DropLast = true,
    };
}
