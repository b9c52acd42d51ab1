namespace Convoy.Cli.Benchmarks.Loading;

/// <summary>The document of <c>convoy bench loader --json</c>.</summary>
/// <param name="Frames">How many different frames there were.</param>
/// <param name="OriginalSize">WIDTHxHEIGHT of the first frame's file.</param>
/// <param name="ImageSize">WIDTHxHEIGHT of the prepared frames.</param>
/// <param name="BatchSize">Frames of a batch.</param>
/// <param name="ChannelsLast">Whether images have their channels innermost.</param>
/// <param name="Threads">libtorch's threads of the computation beside.</param>
/// <param name="StepSeconds">The computation of a batch without any loading, median.</param>
/// <param name="Repeats">Rounds over all strategies.</param>
/// <param name="CacheBytes">The size of the cache's files.</param>
/// <param name="CacheBuildSeconds">How long the cache took to build.</param>
/// <param name="Results">One for each strategy.</param>
internal sealed record LoaderReport(
    int Frames,
    string OriginalSize,
    string ImageSize,
    int BatchSize,
    bool ChannelsLast,
    int Threads,
    double StepSeconds,
    int Repeats,
    long CacheBytes,
    double CacheBuildSeconds,
    IReadOnlyList<LoaderResult> Results);
