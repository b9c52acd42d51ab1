namespace Convoy.Lanes.Data;

/// <summary>Reads a frame's image, and its mask when it has one, at the network's size. One reader serves one thread.</summary>
internal sealed class FrameReader : IDisposable
{
    private readonly ImageReader _images;
    private readonly MaskReader _masks = new();

    public FrameReader(ImageSize size) => _images = new ImageReader(size);

    /// <summary>Reads a frame.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="rgba">Room for 4 bytes a pixel.</param>
    /// <param name="mask">Room for 1 byte a pixel; written only when the frame has a mask file.</param>
    /// <returns>The image's own size.</returns>
    public ImageSize Read(LaneFrame frame, Span<byte> rgba, Span<byte> mask)
    {
        ImageSize original = _images.Read(frame.ImagePath, rgba);
        if (frame.MaskPath is not null)
        {
            _masks.Read(frame.MaskPath, _images.Size, mask);
        }

        return original;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _images.Dispose();
        _masks.Dispose();
    }
}
