using SkiaSharp;

namespace Convoy.Lanes.Data;

/// <summary>Reads a frame's image, and its mask when it has one, at the network's size. One reader serves one thread.</summary>
internal sealed class FrameReader : IDisposable
{
    private readonly ImageReader _images;
    private readonly MaskReader _masks = new();

    public FrameReader(ImageSize size) => _images = new ImageReader(size);

    /// <summary>Reads a frame.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="rgba">Receives 4 bytes per pixel.</param>
    /// <param name="mask">Receives 1 byte per pixel; written only when the frame has a mask file.</param>
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

/// <summary>
/// Reads the masks of segmentation lists: images whose pixels are 0 or a lane's number. They are sampled at the nearest
/// pixel, because lane numbers cannot be averaged. One reader serves one thread.
/// </summary>
internal sealed class MaskReader : IDisposable
{
    private readonly PixelBuffer _decoded = new();

    /// <summary>Reads a mask at another size.</summary>
    /// <param name="path">The mask file.</param>
    /// <param name="size">The size to bring it to.</param>
    /// <param name="mask">Receives height x width bytes: 1 where the file has any lane, else 0.</param>
    /// <exception cref="BadInputException">The file is absent, not an image, or cut off.</exception>
    public void Read(string path, ImageSize size, Span<byte> mask)
    {
        using SKCodec codec = ImageHeader.OpenCodec(path);
        var original = new ImageSize(codec.Info.Width, codec.Info.Height);
        _decoded.Resize(original);
        ImageReader.Decode(codec, path, original, _decoded.Address);
        ReadOnlySpan<byte> rgba = _decoded.Bytes;
        for (int y = 0; y < size.Height; y++)
        {
            int row = (int)(((y + 0.5) * original.Height) / size.Height) * original.Width;
            for (int x = 0; x < size.Width; x++)
            {
                int pixel = 4 * (row + (int)(((x + 0.5) * original.Width) / size.Width));
                mask[(y * size.Width) + x] = (byte)((rgba[pixel] | rgba[pixel + 1] | rgba[pixel + 2]) == 0 ? 0 : 1);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _decoded.Dispose();
}
