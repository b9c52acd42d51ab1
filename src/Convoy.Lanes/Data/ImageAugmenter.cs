using System.Numerics;
using System.Runtime.InteropServices;

namespace Convoy.Lanes.Data;

/// <summary>Applies an <see cref="Augmentation"/> to an image at the network's size. One augmenter serves one thread.</summary>
internal sealed unsafe class ImageAugmenter : IDisposable
{
    private readonly ImageSize _size;
    private readonly PixelBuffer _changed = new();
    private readonly GaussianBlur _blur;
    private readonly byte[] _mask;

    public ImageAugmenter(ImageSize size)
    {
        _size = size;
        _changed.Resize(size);
        _blur = new GaussianBlur(size);
        _mask = new byte[size.Width * size.Height];
    }

    /// <summary>Gives the changed image, which stays valid until the next call; the source is not changed.</summary>
    /// <param name="source">The image's 4 bytes a pixel.</param>
    /// <param name="augmentation">The change.</param>
    public nint Apply(nint source, Augmentation augmentation)
    {
        nint image = source;
        if (!augmentation.KeepsGeometry)
        {
            ImageWarp.Apply(new ReadOnlySpan<uint>((void*)image, _size.Width * _size.Height), MemoryMarshal.Cast<byte, uint>(_changed.Bytes), _size, Back(augmentation));
            image = _changed.Address;
        }

        if (!augmentation.KeepsColours)
        {
            new ColourMatrix(augmentation).Apply((uint*)image, (uint*)_changed.Address, _size.Width * _size.Height);
            image = _changed.Address;
        }

        if (augmentation.BlurSigma > 0)
        {
            _blur.Apply(new ReadOnlySpan<byte>((void*)image, PixelBuffer.ByteCount(_size)), _changed.Bytes, augmentation.BlurSigma);
            image = _changed.Address;
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
        Matrix3x2 back = Back(augmentation);
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
    public void Dispose() => _changed.Dispose();

    private Matrix3x2 Back(Augmentation augmentation) =>
        Matrix3x2.Invert(augmentation.Transform(_size), out Matrix3x2 back)
            ? back
            : throw new InvalidOperationException("the augmentation's transform can't be inverted");
}
