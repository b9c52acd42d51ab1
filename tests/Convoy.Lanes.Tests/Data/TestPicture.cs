using System.Runtime.InteropServices;
using Convoy.Lanes.Data;
using SkiaSharp;

namespace Convoy.Lanes.Tests.Data;

/// <summary>Pictures made pixel by pixel, without a native call for each.</summary>
internal static class TestPicture
{
    /// <summary>A bitmap of red, green and blue as the function gives them.</summary>
    public static SKBitmap Of(ImageSize size, Func<int, int, (byte Red, byte Green, byte Blue)> colour)
    {
        byte[] pixels = new byte[size.Width * size.Height * 4];
        for (int i = 0; i < size.Width * size.Height; i++)
        {
            (pixels[4 * i], pixels[(4 * i) + 1], pixels[(4 * i) + 2]) = colour(i % size.Width, i / size.Width);
            pixels[(4 * i) + 3] = 255;
        }

        var bitmap = new SKBitmap(size.Width, size.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        Marshal.Copy(pixels, 0, bitmap.GetPixels(), pixels.Length);
        return bitmap;
    }

    /// <summary>Writes a bitmap to a file.</summary>
    public static void Save(SKBitmap bitmap, string path, SKEncodedImageFormat format, int quality)
    {
        using SKData data = bitmap.Encode(format, quality);
        File.WriteAllBytes(path, data.ToArray());
    }
}
