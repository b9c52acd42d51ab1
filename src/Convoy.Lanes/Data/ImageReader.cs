using System.Numerics;
using SkiaSharp;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Data;

/// <summary>
/// Decodes images and resizes them to the network's size. One reader serves one thread; it keeps its buffers from one
/// image to the next.
/// </summary>
/// <remarks>
/// JPEGs are decoded at the smallest of libjpeg's scales (eighths) that is not below the network's size, which saves time and averages
/// pixels instead of dropping them; the rest is linear interpolation, over halved copies (mipmaps) when more than a factor of two is left.
/// Colour profiles are ignored, and so is transparency: a pixel has its stored colour, however transparent it is, as in OpenCV and in
/// PIL's <c>convert("RGB")</c>. EXIF orientation is ignored unless <see cref="Upright"/> is set, because labels refer to the pixels as
/// they are stored.
/// </remarks>
public sealed class ImageReader : IDisposable
{
    private static readonly SKSamplingOptions Linear = new(SKFilterMode.Linear, SKMipmapMode.None);
    private static readonly SKSamplingOptions Mipmapped = new(SKFilterMode.Linear, SKMipmapMode.Nearest);

    private readonly PixelBuffer _decoded = new();
    private readonly PixelBuffer _turned = new();
    private readonly PixelBuffer _resized = new();

    /// <param name="size">The size to resize to.</param>
    public ImageReader(ImageSize size)
    {
        Size = size;
        _resized.Resize(size);
    }

    /// <summary>The size that images are resized to.</summary>
    public ImageSize Size { get; }

    /// <summary>Whether pictures are turned as their EXIF orientation says; the size reported for them is then that of the turned picture. Default false.</summary>
    public bool Upright { get; init; }

    /// <summary>Reads an image as <c>[1, 3, height, width]</c> float32, normalised with ImageNet's statistics.</summary>
    /// <param name="path">The image file.</param>
    /// <param name="channelsLast">Whether the channels are innermost in memory (PyTorch's <c>channels_last</c>).</param>
    /// <param name="original">The image's own size.</param>
    /// <exception cref="BadInputException">The file is absent, not an image, or cut off.</exception>
    public unsafe Tensor ReadTensor(string path, bool channelsLast, out ImageSize original)
    {
        original = Read(path, _resized.Bytes);
        if (!channelsLast)
        {
            Tensor contiguous = empty([1, 3, Size.Height, Size.Width], ScalarType.Float32);
            fixed (byte* target = contiguous.bytes)
            {
                ImageNetNormalization.ToPlanes(_resized.Bytes, new Span<float>(target, 3 * Size.Width * Size.Height));
            }

            return contiguous;
        }

        using Tensor interleaved = empty([1, Size.Height, Size.Width, 3], ScalarType.Float32);
        fixed (byte* target = interleaved.bytes)
        {
            ImageNetNormalization.ToInterleaved(_resized.Bytes, new Span<float>(target, 3 * Size.Width * Size.Height));
        }

        return interleaved.permute(0, 3, 1, 2);
    }

    /// <summary>Reads an image as 4 bytes per pixel: red, green, blue, 255.</summary>
    /// <param name="path">The image file.</param>
    /// <param name="rgba">Receives width x height x 4 bytes.</param>
    /// <returns>The image's own size.</returns>
    /// <exception cref="BadInputException">The file is absent, not an image, or cut off.</exception>
    public unsafe ImageSize Read(string path, Span<byte> rgba)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rgba.Length, PixelBuffer.ByteCount(Size));
        using SKCodec codec = ImageHeader.OpenCodec(path);
        ImageFacts stored = ImageFacts.Read(codec);
        fixed (byte* target = rgba)
        {
            if (Upright && stored.IsTurned)
            {
                _decoded.Resize(ScaledSize(codec, stored.Size, ImageOrientation.Upright(Size, stored.Origin)));
                Decode(codec, path, _decoded.Size, _decoded.Address);
                _turned.Resize(ImageOrientation.Upright(_decoded.Size, stored.Origin));
                ImageOrientation.Turn(_decoded, stored.Origin, _turned.Address);
                ResizeTo(rgba, (nint)target, _turned, path);
                return ImageOrientation.Upright(stored.Size, stored.Origin);
            }

            ImageSize scaled = ScaledSize(codec, stored.Size, Size);
            if (scaled == Size)
            {
                Decode(codec, path, Size, (nint)target);
                return stored.Size;
            }

            _decoded.Resize(scaled);
            Decode(codec, path, scaled, _decoded.Address);
            ResizeTo(rgba, (nint)target, _decoded, path);
        }

        return stored.Size;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _decoded.Dispose();
        _turned.Dispose();
        _resized.Dispose();
    }

    /// <summary>Decodes the whole image to 4 bytes per pixel.</summary>
    /// <exception cref="BadInputException">The image is cut off or damaged.</exception>
    internal static void Decode(SKCodec codec, string path, ImageSize size, nint target)
    {
        // Skia decodes transparent pixels to opaque ones only when they are multiplied by their alpha first.
        bool opaque = codec.Info.AlphaType == SKAlphaType.Opaque;
        SKImageInfo info = opaque ? PixelBuffer.Info(size) : PixelBuffer.Info(size).WithAlphaType(SKAlphaType.Unpremul);
        SKCodecResult result = codec.GetPixels(info, target, size.Width * 4, SKCodecOptions.Default);
        if (result != SKCodecResult.Success)
        {
            throw new BadInputException(
                result == SKCodecResult.IncompleteInput ? "the image is cut off" : $"the image cannot be decoded: {result}",
                path,
                "Restore the file or remove its label.");
        }

        if (!opaque)
        {
            MakeOpaque(target, size);
        }
    }

    private static unsafe void MakeOpaque(nint pixels, ImageSize size)
    {
        long count = (long)size.Width * size.Height;
        for (long i = 0; i < count; i++)
        {
            ((byte*)pixels)[(4 * i) + 3] = 255;
        }
    }

    private void ResizeTo(Span<byte> rgba, nint target, PixelBuffer from, string path)
    {
        if (from.Size.Width == Size.Width && from.Size.Height <= 2 * Size.Height)
        {
            RowResizer.Resize(from.Bytes, from.Size, rgba, Size.Height);
            return;
        }

        using var source = new SKPixmap(PixelBuffer.Info(from.Size), from.Address);
        using var resized = new SKPixmap(PixelBuffer.Info(Size), target);
        bool shrinksFar = from.Size.Width > 2 * Size.Width || from.Size.Height > 2 * Size.Height;
        if (!source.ScalePixels(resized, shrinksFar ? Mipmapped : Linear))
        {
            throw new BadInputException($"the image cannot be resized from {from.Size} to {Size}", path, "Give an image of a common shape or remove its label.");
        }
    }

    private static ImageSize ScaledSize(SKCodec codec, ImageSize original, ImageSize wanted)
    {
        for (int eighths = 1; eighths < 8; eighths++)
        {
            SKSizeI scaled = codec.GetScaledDimensions(eighths / 8f);
            if (scaled.Width >= wanted.Width && scaled.Height >= wanted.Height)
            {
                return new ImageSize(scaled.Width, scaled.Height);
            }
        }

        return original;
    }
}

/// <summary>Turns pictures as their EXIF orientation says: cameras store pixels in the sensor's order.</summary>
internal static class ImageOrientation
{
    /// <summary>The size of the upright picture whose stored pixels have <paramref name="size"/>, and the other way round.</summary>
    public static ImageSize Upright(ImageSize size, SKEncodedOrigin origin) => SwapsSides(origin) ? new ImageSize(size.Height, size.Width) : size;

    /// <summary>Writes the picture upright.</summary>
    /// <param name="stored">The pixels as they are stored.</param>
    /// <param name="origin">Where the upper left corner of the picture is.</param>
    /// <param name="upright">Receives the picture: 4 bytes per pixel, rows of the upright width without padding.</param>
    public static unsafe void Turn(PixelBuffer stored, SKEncodedOrigin origin, nint upright)
    {
        (int width, int height) = stored.Size;
        ImageSize size = Upright(stored.Size, origin);
        bool fromRight = origin is SKEncodedOrigin.TopRight or SKEncodedOrigin.BottomRight or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
        bool fromBottom = origin is SKEncodedOrigin.BottomRight or SKEncodedOrigin.BottomLeft or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom;
        nint column = fromRight ? -1 : 1;
        nint row = fromBottom ? -width : width;
        (nint across, nint down) = SwapsSides(origin) ? (row, column) : (column, row);
        uint* from = (uint*)stored.Address + (fromRight ? width - 1 : 0) + (fromBottom ? (nint)(height - 1) * width : 0);
        uint* to = (uint*)upright;
        for (int y = 0; y < size.Height; y++)
        {
            uint* source = from + (y * down);
            for (int x = 0; x < size.Width; x++)
            {
                to[x] = *source;
                source += across;
            }

            to += size.Width;
        }
    }

    private static bool SwapsSides(SKEncodedOrigin origin) => origin is >= SKEncodedOrigin.LeftTop and <= SKEncodedOrigin.LeftBottom;
}

/// <summary>Changes the height of an image by linear interpolation and keeps its width: all that is left to do for most JPEGs once they are decoded at a scale.</summary>
internal static class RowResizer
{
    /// <summary>Resizes an image of 4 bytes per pixel; rows map as in <see cref="ImageGeometry"/>.</summary>
    /// <param name="from">The image.</param>
    /// <param name="fromSize">Its size.</param>
    /// <param name="to">Receives the resized image.</param>
    /// <param name="toHeight">The new height.</param>
    public static void Resize(ReadOnlySpan<byte> from, ImageSize fromSize, Span<byte> to, int toHeight)
    {
        int stride = fromSize.Width * 4;
        for (int y = 0; y < toHeight; y++)
        {
            double source = Math.Clamp(((y + 0.5) * fromSize.Height / toHeight) - 0.5, 0, fromSize.Height - 1);
            int top = (int)source;
            int bottom = Math.Min(top + 1, fromSize.Height - 1);
            var weight = (ushort)Math.Round((source - top) * 256);
            Blend(from.Slice(top * stride, stride), from.Slice(bottom * stride, stride), weight, to.Slice(y * stride, stride));
        }
    }

    /// <summary>(top · (256 - weight) + bottom · weight) / 256, rounded; at most 65,408 before the division, which fits in 16 bits.</summary>
    private static void Blend(ReadOnlySpan<byte> top, ReadOnlySpan<byte> bottom, ushort weight, Span<byte> to)
    {
        var bottomWeight = new Vector<ushort>(weight);
        var topWeight = new Vector<ushort>((ushort)(256 - weight));
        var half = new Vector<ushort>(128);
        int i = 0;
        for (; i <= to.Length - Vector<byte>.Count; i += Vector<byte>.Count)
        {
            Vector.Widen(new Vector<byte>(top[i..]), out Vector<ushort> topLow, out Vector<ushort> topHigh);
            Vector.Widen(new Vector<byte>(bottom[i..]), out Vector<ushort> bottomLow, out Vector<ushort> bottomHigh);
            Vector<ushort> low = ((topLow * topWeight) + (bottomLow * bottomWeight) + half) >>> 8;
            Vector<ushort> high = ((topHigh * topWeight) + (bottomHigh * bottomWeight) + half) >>> 8;
            Vector.Narrow(low, high).CopyTo(to[i..]);
        }

        for (; i < to.Length; i++)
        {
            to[i] = (byte)(((top[i] * (256 - weight)) + (bottom[i] * weight) + 128) >> 8);
        }
    }
}
