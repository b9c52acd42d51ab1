using System.Globalization;

namespace Convoy.Lanes.Data;

/// <summary>How a <see cref="LaneDataLoader"/> prepares frames.</summary>
public sealed record LaneLoaderOptions
{
    /// <summary>The size that the network sees. Default 800x360.</summary>
    public ImageSize ImageSize { get; init; } = ImageSize.Network;

    /// <summary>Images of this process in a batch. Default 8; at least 1.</summary>
    public int BatchSize { get; init; } = 8;

    /// <summary>Threads that prepare frames ahead; 0 prepares them on the calling thread. Default 4; 0 to 256.</summary>
    public int Workers { get; init; } = 4;

    /// <summary>How many batches are prepared ahead of the one in use. Default 2; at least 1. Each takes memory of a batch.</summary>
    public int PrefetchBatches { get; init; } = 2;

    /// <summary>
    /// The width of a lane in the mask, in pixels at <see cref="ImageSize"/>. Default: that of 5 pixels at 1280x720, see
    /// <see cref="MaskPainter.DefaultLineWidth"/> (2.795 at 800x360).
    /// </summary>
    public double? LineWidth { get; init; }

    /// <summary>The random changes. Default: none, as for validation.</summary>
    public AugmentationOptions Augmentation { get; init; } = AugmentationOptions.None;

    /// <summary>The seed of the random changes. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>
    /// A folder for decoded frames, which spares decoding them again; made when absent. Default: null, no cache. Frames take
    /// 4 bytes a pixel there: 1.15 MB each at 800x360.
    /// </summary>
    public string? CacheDirectory { get; init; }

    /// <summary>Whether images have their channels innermost in memory (PyTorch's <c>channels_last</c>). Default false.</summary>
    public bool ChannelsLast { get; init; }

    /// <summary>Whether a last batch of fewer images is left out. Default false.</summary>
    public bool DropLast { get; init; }

    /// <summary>Refuses values outside their ranges.</summary>
    /// <exception cref="BadInputException">The first value that is out of its range.</exception>
    public void Validate()
    {
        Require(BatchSize is >= 1 and <= 4096, "batch size", BatchSize, "Give a whole number from 1 to 4096.");
        Require(Workers is >= 0 and <= 256, "number of loader workers", Workers, "Give a whole number from 0 to 256.");
        Require(PrefetchBatches is >= 1 and <= 64, "number of batches to prefetch", PrefetchBatches, "Give a whole number from 1 to 64.");
        Require(LineWidth is null or (> 0 and <= 200), "line width", LineWidth ?? 0, "Give a number of pixels above 0, up to 200.");
        Augmentation.Validate();
    }

    private static void Require(bool holds, string what, double value, string remedy)
    {
        if (!holds)
        {
            throw new BadInputException($"the {what} is out of range", value.ToString(CultureInfo.InvariantCulture), remedy);
        }
    }
}
