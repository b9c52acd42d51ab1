using SkiaSharp;

namespace Convoy.Lanes.Data;

/// <summary>Turns pictures as their EXIF orientation says: cameras store them as the sensor lies.</summary>
internal static class ImageOrientation
{
    /// <summary>The size of the upright picture whose stored pixels have <paramref name="size"/>, and the other way round.</summary>
    public static ImageSize Upright(ImageSize size, SKEncodedOrigin origin) => SwapsSides(origin) ? new ImageSize(size.Height, size.Width) : size;

    /// <summary>Writes the upright picture.</summary>
    /// <param name="stored">The pixels as they are stored.</param>
    /// <param name="origin">Where their picture's upper left corner is.</param>
    /// <param name="upright">Room for the picture: 4 bytes a pixel, rows of its upright width without padding.</param>
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
