using System.Numerics;
using SkiaSharp;

namespace Convoy.Lanes.Data;

/// <summary>Applies an <see cref="Augmentation"/> to an image at the network's size. One augmenter serves one thread.</summary>
internal sealed class ImageAugmenter : IDisposable
{
    // ImageNet's mean colour, which normalisation turns into about 0: what a turned or shrunk picture leaves uncovered.
    private static readonly SKColor _surround = new(124, 116, 104);
    private static readonly SKSamplingOptions _linear = new(SKFilterMode.Linear, SKMipmapMode.None);

    private readonly ImageSize _size;
    private readonly PixelBuffer _changed = new();
    private readonly PixelBuffer _blurred = new();
    private readonly byte[] _mask;

    public ImageAugmenter(ImageSize size)
    {
        _size = size;
        _changed.Resize(size);
        _blurred.Resize(size);
        _mask = new byte[size.Width * size.Height];
    }

    /// <summary>Gives the changed image, which stays valid until the next call; the source is not changed.</summary>
    /// <param name="source">The image's 4 bytes a pixel.</param>
    /// <param name="augmentation">The change.</param>
    public nint Apply(nint source, Augmentation augmentation)
    {
        nint image = source;
        if (!augmentation.KeepsGeometry || !augmentation.KeepsColours)
        {
            using SKColorFilter? colours = augmentation.KeepsColours ? null : SKColorFilter.CreateColorMatrix(ColourMatrix.Of(augmentation));
            using var paint = new SKPaint { ColorFilter = colours, BlendMode = SKBlendMode.SrcOver };
            Draw(image, _changed, ToSkia(augmentation.Transform(_size)), paint);
            image = _changed.Address;
        }

        if (augmentation.BlurSigma > 0)
        {
            float sigma = (float)augmentation.BlurSigma;
            using SKImageFilter blur = SKImageFilter.CreateBlur(sigma, sigma, SKShaderTileMode.Clamp);
            using var paint = new SKPaint { ImageFilter = blur };
            Draw(image, _blurred, SKMatrix.Identity, paint);
            image = _blurred.Address;
        }

        return image;
    }

    /// <summary>Moves a mask in place, taking the nearest pixel; what comes from outside the mask is background.</summary>
    /// <param name="mask">Height x width bytes.</param>
    /// <param name="augmentation">The change, of which only the geometric part matters.</param>
    public void ApplyToMask(Span<byte> mask, Augmentation augmentation)
    {
        if (augmentation.KeepsGeometry)
        {
            return;
        }

        mask.CopyTo(_mask);
        if (!Matrix3x2.Invert(augmentation.Transform(_size), out Matrix3x2 back))
        {
            throw new InvalidOperationException("the augmentation's transform can't be inverted");
        }

        for (int y = 0; y < _size.Height; y++)
        {
            for (int x = 0; x < _size.Width; x++)
            {
                Vector2 from = Vector2.Transform(new Vector2(x, y), back);
                int column = (int)MathF.Floor(from.X + 0.5f);
                int row = (int)MathF.Floor(from.Y + 0.5f);
                bool inside = (uint)column < (uint)_size.Width && (uint)row < (uint)_size.Height;
                mask[(y * _size.Width) + x] = inside ? _mask[(row * _size.Width) + column] : (byte)0;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _changed.Dispose();
        _blurred.Dispose();
    }

    /// <summary>From centre coordinates to Skia's, which count from the corner of the first pixel.</summary>
    private static SKMatrix ToSkia(Matrix3x2 transform)
    {
        Matrix3x2 corner = Matrix3x2.CreateTranslation(-0.5f, -0.5f) * transform * Matrix3x2.CreateTranslation(0.5f, 0.5f);
        return new SKMatrix(corner.M11, corner.M21, corner.M31, corner.M12, corner.M22, corner.M32, 0, 0, 1);
    }

    private void Draw(nint source, PixelBuffer target, SKMatrix matrix, SKPaint paint)
    {
        SKImageInfo info = PixelBuffer.Info(_size);
        using var pixels = new SKPixmap(info, source);
        using SKImage image = SKImage.FromPixels(pixels);
        using SKSurface surface = SKSurface.Create(info, target.Address, info.RowBytes)
            ?? throw new InvalidOperationException($"no picture of {_size} could be made");
        surface.Canvas.Clear(_surround);
        surface.Canvas.SetMatrix(matrix);
        surface.Canvas.DrawImage(image, 0, 0, _linear, paint);
    }
}
