using System.Numerics;
using Convoy.Lanes.Data;
using SkiaSharp;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>A picture being painted: its pixels for painters that go row by row, and a canvas over the same pixels for shapes.</summary>
internal sealed unsafe class Picture : IDisposable
{
    private readonly SKBitmap _bitmap;
    private readonly byte* _pixels;
    private readonly int _rowBytes;

    public Picture(ImageSize size)
    {
        Size = size;
        _bitmap = new SKBitmap(new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        _pixels = (byte*)_bitmap.GetPixels();
        _rowBytes = _bitmap.RowBytes;
        Canvas = new SKCanvas(_bitmap);
        Canvas.Clear(SKColors.Black);
    }

    public ImageSize Size { get; }

    /// <summary>A canvas over the same pixels; the centre of a pixel is half a unit right of and below its index.</summary>
    public SKCanvas Canvas { get; }

    /// <summary>Converts a colour, 0 to 1, to Skia's.</summary>
    public static SKColor ToColor(Vector3 colour, float alpha = 1) =>
        new(ToByte(colour.X), ToByte(colour.Y), ToByte(colour.Z), ToByte(alpha));

    public void Set(int x, int y, float red, float green, float blue)
    {
        byte* pixel = _pixels + ((long)y * _rowBytes) + (4L * x);
        pixel[0] = ToByte(red);
        pixel[1] = ToByte(green);
        pixel[2] = ToByte(blue);
        pixel[3] = 255;
    }

    /// <summary>The pixel's red, green and blue.</summary>
    public (byte Red, byte Green, byte Blue) Get(int x, int y)
    {
        byte* pixel = _pixels + ((long)y * _rowBytes) + (4L * x);
        return (pixel[0], pixel[1], pixel[2]);
    }

    /// <summary>Darkens the picture towards its corners, as a lens does.</summary>
    /// <param name="strength">The share of light that the corners lose, 0 to 1.</param>
    public void DarkenCorners(float strength)
    {
        Canvas.Flush();
        int[] across = Falloff(Size.Width, strength);
        int[] down = Falloff(Size.Height, strength);
        for (int y = 0; y < Size.Height; y++)
        {
            byte* pixel = _pixels + ((long)y * _rowBytes);
            for (int x = 0; x < Size.Width; x++, pixel += 4)
            {
                int light = across[x] * down[y];
                pixel[0] = (byte)((pixel[0] * light) >> 16);
                pixel[1] = (byte)((pixel[1] * light) >> 16);
                pixel[2] = (byte)((pixel[2] * light) >> 16);
            }
        }
    }

    /// <summary>The picture as a JPEG file's bytes.</summary>
    public byte[] ToJpeg(int quality)
    {
        Canvas.Flush();
        using SKData data = _bitmap.Encode(SKEncodedImageFormat.Jpeg, quality);
        return data.ToArray();
    }

    public void Dispose()
    {
        Canvas.Dispose();
        _bitmap.Dispose();
    }

    /// <summary>The light along one direction, in 1/256: full in the middle, falling off towards the ends.</summary>
    private static int[] Falloff(int length, float strength)
    {
        double ends = 1 - Math.Sqrt(1 - strength);
        var light = new int[length];
        for (int i = 0; i < length; i++)
        {
            double outward = Math.Max(0, Math.Abs(((i + 0.5) / length * 2) - 1) - 0.3) / 0.7;
            light[i] = (int)Math.Round(256 * (1 - (ends * outward * outward)));
        }

        return light;
    }

    private static byte ToByte(float value) => (byte)Math.Clamp((int)((value * 255) + 0.5f), 0, 255);
}
