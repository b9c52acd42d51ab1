using Convoy.Training.Loading;

namespace Convoy.Lanes.Data;

/// <summary>How a <see cref="LaneDataLoader"/> prepares frames.</summary>
public sealed record LaneLoaderOptions : LoaderOptions
{
    /// <summary>The size that the network sees. Default 800x360.</summary>
    public ImageSize ImageSize { get; init; } = ImageSize.Network;

    /// <summary>
    /// The width of a lane in the mask, in pixels at <see cref="ImageSize"/>. Default: that of 5 pixels at 1280x720, see
    /// <see cref="MaskPainter.DefaultLineWidth"/> (2.795 at 800x360).
    /// </summary>
    public double? LineWidth { get; init; }

    /// <summary>The random changes. Default: none, as for validation.</summary>
    public AugmentationOptions Augmentation { get; init; } = AugmentationOptions.None;

    /// <summary>
    /// A folder for decoded frames, which spares decoding them again; made when absent. Default: null, no cache. Frames take
    /// 4 bytes for each pixel there: 1.15 MB each at 800x360.
    /// </summary>
    public string? CacheDirectory { get; init; }

    /// <summary>Whether images have their channels innermost in memory (PyTorch's <c>channels_last</c>). Default false.</summary>
    public bool ChannelsLast { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require(LineWidth is null or (> 0 and <= 200), "line width", LineWidth ?? 0, "Give a number of pixels above 0, up to 200.");
        Augmentation.Validate();
    }
}
