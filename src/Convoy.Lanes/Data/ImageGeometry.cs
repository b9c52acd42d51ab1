namespace Convoy.Lanes.Data;

/// <summary>
/// The one place that says how pixels of an original image map to pixels at the network's size and back.
/// </summary>
/// <remarks>
/// A coordinate is that of pixel centres: x = 3 is the centre of the fourth column, the image covers -0.5 to width - 0.5.
/// An image resized from width W to w covers the same scene, so x maps to (x + 0.5) · w / W - 0.5, and y likewise
/// (PyTorch's and OpenCV's convention for resizing without aligned corners). Labels, masks and recovered lanes all use it.
/// </remarks>
/// <param name="Original">The size of the image file.</param>
/// <param name="Network">The size that the network sees.</param>
public readonly record struct ImageGeometry(ImageSize Original, ImageSize Network)
{
    /// <summary>Network pixels per original pixel, across.</summary>
    public double ScaleX => (double)Network.Width / Original.Width;

    /// <summary>Network pixels per original pixel, down.</summary>
    public double ScaleY => (double)Network.Height / Original.Height;

    /// <summary>From the original's x to the network's.</summary>
    public double ToNetworkX(double x) => ((x + 0.5) * ScaleX) - 0.5;

    /// <summary>From the original's y to the network's.</summary>
    public double ToNetworkY(double y) => ((y + 0.5) * ScaleY) - 0.5;

    /// <summary>From the network's x to the original's.</summary>
    public double ToOriginalX(double x) => ((x + 0.5) / ScaleX) - 0.5;

    /// <summary>From the network's y to the original's.</summary>
    public double ToOriginalY(double y) => ((y + 0.5) / ScaleY) - 0.5;
}
