using Convoy.Torch.Kernels;

namespace Convoy.Torch.Winograd;

/// <summary>How much of the work goes through all its steps before the next part, so that what lies between the steps stays in a cache. It changes no bit.</summary>
/// <param name="Tiles">Tiles of a part. For the filters' gradient a multiple of <see cref="SumTiles"/>, or all of them.</param>
/// <param name="Results">Output channels of a part; a multiple of <see cref="WinogradShape.Channels"/>. Of the filters' gradient all of them, or a part has all tiles.</param>
/// <param name="Terms">Channels that are added up at a time. The filters' gradient has all of them.</param>
/// <remarks>
/// Filters at their points take four times their memory. As long as all of them stay in the last-level cache, which two processes share at least, the parts are a few tiles. Larger ones go to
/// their points a few channels at a time, as many as half of the second-level cache holds, for many tiles. The numbers are those that were fastest in the lane detector's layers.
/// </remarks>
internal readonly record struct WinogradBlocking(int Tiles, int Results, int Terms)
{
    /// <summary>
    /// The filters' gradient adds up this many tiles, and then these sums: one sum over thousands of tiles rounds six times as much as libtorch's, this one twice. It is part of what is computed, not of how.
    /// </summary>
    public const int SumTiles = 48;

    private const int FewTiles = 12;
    private const int ManyTiles = 192;
    private const int FewResults = 32;

    /// <summary>For a convolution.</summary>
    /// <param name="terms">Channels that are added up.</param>
    /// <param name="results">Channels of the result.</param>
    /// <param name="caches">The processor's caches.</param>
    public static WinogradBlocking ForOutput(int terms, int results, CacheSizes caches)
    {
        if (AreCached(terms, results, caches))
        {
            return new(FewTiles, results, terms);
        }

        long some = caches.Level2 / 2 / (WinogradShape.Points * FewResults * sizeof(float)), whole = Math.Max(1, some / WinogradShape.Channels) * WinogradShape.Channels;
        return new(ManyTiles, Math.Min(FewResults, results), (int)Math.Min(whole, terms));
    }

    /// <summary>For the filters' gradient, which each part of the tiles adds to.</summary>
    /// <param name="inChannels">C.</param>
    /// <param name="outChannels">K.</param>
    /// <param name="tiles">Tiles of the batch.</param>
    /// <param name="caches">The processor's caches.</param>
    public static WinogradBlocking ForFilterGradient(int inChannels, int outChannels, int tiles, CacheSizes caches)
    {
        // What stays in memory from part to part: the sums at their points, or all tiles at theirs.
        bool sums = AreCached(inChannels, outChannels, caches) || (long)inChannels * outChannels <= (long)tiles * (inChannels + outChannels);
        return sums ? new(SumTiles, outChannels, inChannels) : new(tiles, Math.Min(3 * WinogradShape.Channels, outChannels), inChannels);
    }

    /// <summary>Whether filters at their points are small enough to stay in a cache.</summary>
    /// <param name="terms">Channels that are added up.</param>
    /// <param name="results">Channels of the result.</param>
    /// <param name="caches">The processor's caches.</param>
    public static bool AreCached(int terms, int results, CacheSizes caches) => WinogradShape.Points * sizeof(float) * (long)terms * results <= caches.LastLevel / 2;
}
