using Convoy.Lanes.Data;

namespace Convoy.Lanes.Drawing;

/// <summary>What <see cref="OverlayPainter"/> draws besides the lanes.</summary>
public sealed record OverlayOptions
{
    /// <summary>One line of text in the picture's lower left corner, such as <c>accuracy 0.93, 41 ms</c>. Default none. It is left out on systems without any font.</summary>
    public string? Caption { get; init; }

    /// <summary>Predicted lane pixels to shade, row-major, 0 for background, any other value for lane. Default none.</summary>
    public ReadOnlyMemory<byte> Mask { get; init; }

    /// <summary>The size of <see cref="Mask"/>. Default 800x360.</summary>
    public ImageSize MaskSize { get; init; } = ImageSize.Network;

    /// <summary>How much of the image the mask covers, 0 (none) to 1 (all). Default 0.35.</summary>
    public double MaskOpacity { get; init; } = 0.35;

    /// <summary>Whether the image is turned as its EXIF orientation says; lanes and mask are then those of the turned picture. Default false.</summary>
    public bool Upright { get; init; }

    /// <summary>JPEG quality, 1 to 100. Default 90. PNG ignores it.</summary>
    public int JpegQuality { get; init; } = 90;
}
