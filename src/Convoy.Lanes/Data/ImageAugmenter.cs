using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

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

    /// <summary>The changed image, valid until the next call; the source stays as it is.</summary>
    /// <param name="source">The address of the image, 4 bytes per pixel.</param>
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

    /// <summary>Moves a mask in place, taking the nearest pixel; whatever comes from outside the mask is background.</summary>
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
            : throw new InvalidOperationException("The augmentation's transform has no inverse.");
}

/// <summary>
/// Brightness, contrast and hue as one matrix of three rows (red, green, blue) and four columns (the same and a constant).
/// The hue is rotated as SVG's <c>hueRotate</c> does, then everything is multiplied by the brightness, then the distance from mid-grey
/// (127.5) by the contrast.
/// </summary>
internal readonly struct ColourMatrix
{
    // Rec. 601's weights of red, green and blue in luma, which a rotation of the hue preserves.
    private const double Red = 0.299;
    private const double Green = 0.587;
    private const double Blue = 0.114;

    private readonly float _rr, _rg, _rb, _gr, _gg, _gb, _br, _bg, _bb, _offset;

    /// <summary>The matrix of an augmentation's colour part.</summary>
    public ColourMatrix(Augmentation augmentation)
    {
        double cos = Math.Cos(augmentation.HueDegrees * Math.PI / 180);
        double sin = Math.Sin(augmentation.HueDegrees * Math.PI / 180);
        double factor = augmentation.Brightness * augmentation.Contrast;
        _rr = (float)(factor * (Red + (cos * (1 - Red)) - (sin * Red)));
        _rg = (float)(factor * (Green - (cos * Green) - (sin * Green)));
        _rb = (float)(factor * (Blue - (cos * Blue) + (sin * (1 - Blue))));
        _gr = (float)(factor * (Red - (cos * Red) + (sin * 0.143)));
        _gg = (float)(factor * (Green + (cos * (1 - Green)) + (sin * 0.140)));
        _gb = (float)(factor * (Blue - (cos * Blue) - (sin * 0.283)));
        _br = (float)(factor * (Red - (cos * Red) - (sin * (1 - Red))));
        _bg = (float)(factor * (Green - (cos * Green) + (sin * Green)));
        _bb = (float)(factor * (Blue + (cos * (1 - Blue)) + (sin * Blue)));
        _offset = (float)(127.5 * (1 - augmentation.Contrast));
    }

    /// <summary>Changes an image's colours; each result is rounded and kept within 0 to 255.</summary>
    /// <param name="source">The image, 4 bytes per pixel.</param>
    /// <param name="target">Room for as many; may be the source.</param>
    /// <param name="count">The number of pixels.</param>
    public unsafe void Apply(uint* source, uint* target, int count)
    {
        int i = 0;
        for (; i <= count - Vector256<uint>.Count; i += Vector256<uint>.Count)
        {
            Transformed(Vector256.Load(source + i)).Store(target + i);
        }

        for (; i < count; i++)
        {
            target[i] = Transformed(Vector256.CreateScalar(source[i])).ToScalar();
        }
    }

    private static Vector256<float> Channel(Vector256<uint> values) =>
        Vector256.ConvertToSingle((values & Vector256.Create(255u)).AsInt32());

    private Vector256<uint> Transformed(Vector256<uint> pixels)
    {
        Vector256<float> red = Channel(pixels);
        Vector256<float> green = Channel(pixels >>> 8);
        Vector256<float> blue = Channel(pixels >>> 16);
        return Byte((red * _rr) + (green * _rg) + (blue * _rb))
            | (Byte((red * _gr) + (green * _gg) + (blue * _gb)) << 8)
            | (Byte((red * _br) + (green * _bg) + (blue * _bb)) << 16)
            | (pixels & Vector256.Create(0xFF000000u));
    }

    private Vector256<uint> Byte(Vector256<float> value)
    {
        Vector256<float> clamped = Vector256.Min(Vector256.Max(value + Vector256.Create(_offset), Vector256<float>.Zero), Vector256.Create(255f));
        return Vector256.ConvertToInt32(clamped + Vector256.Create(0.5f)).AsUInt32();
    }
}

/// <summary>
/// Blurs an image with a Gaussian, first across, then down, in integer arithmetic (weights in 1/256). Beyond the edges the outermost
/// pixels are repeated. One instance serves one thread.
/// </summary>
internal sealed class GaussianBlur
{
    private readonly ImageSize _size;
    private byte[] _across = [];
    private byte[] _padded = [];

    public GaussianBlur(ImageSize size) => _size = size;

    /// <summary>Blurs an image of 4 bytes per pixel.</summary>
    /// <param name="source">The image.</param>
    /// <param name="target">Room for the result; may be the source.</param>
    /// <param name="sigma">The standard deviation in pixels, above 0; the kernel reaches three of them.</param>
    public void Apply(ReadOnlySpan<byte> source, Span<byte> target, double sigma)
    {
        ushort[] weights = Weights(sigma);
        int radius = weights.Length - 1;
        int stride = _size.Width * 4;
        Array.Resize(ref _across, stride * _size.Height);
        Array.Resize(ref _padded, stride + (8 * radius));
        for (int y = 0; y < _size.Height; y++)
        {
            ReadOnlySpan<byte> row = source.Slice(y * stride, stride);
            row.CopyTo(_padded.AsSpan(4 * radius));
            for (int pixel = 0; pixel < radius; pixel++)
            {
                row[..4].CopyTo(_padded.AsSpan(4 * pixel));
                row[^4..].CopyTo(_padded.AsSpan((4 * (radius + pixel)) + stride));
            }

            Sum(_padded, offset => 4 * (radius + offset), weights, _across.AsSpan(y * stride, stride));
        }

        for (int y = 0; y < _size.Height; y++)
        {
            int centre = y;
            Sum(_across, offset => Math.Clamp(centre + offset, 0, _size.Height - 1) * stride, weights, target.Slice(y * stride, stride));
        }
    }

    /// <summary>The centre's weight and those to one side, in 1/256; together with the other side they make 256.</summary>
    private static ushort[] Weights(double sigma)
    {
        var exact = new double[Math.Max(1, (int)Math.Ceiling(3 * sigma)) + 1];
        for (int i = 0; i < exact.Length; i++)
        {
            exact[i] = Math.Exp(-i * i / (2 * sigma * sigma));
        }

        double sum = (2 * exact.Sum()) - exact[0];
        ushort[] weights = [.. exact.Select(value => (ushort)Math.Round(256 * value / sum))];
        weights[0] = (ushort)(256 - (2 * weights.Skip(1).Sum(weight => weight)));
        return weights;
    }

    private static void Sum(byte[] from, Func<int, int> start, ushort[] weights, Span<byte> to)
    {
        int radius = weights.Length - 1;
        Span<int> starts = stackalloc int[(2 * radius) + 1];
        for (int offset = -radius; offset <= radius; offset++)
        {
            starts[radius + offset] = start(offset);
        }

        int i = 0;
        for (; i <= to.Length - Vector<byte>.Count; i += Vector<byte>.Count)
        {
            var low = new Vector<ushort>(128);
            var high = new Vector<ushort>(128);
            for (int tap = 0; tap < starts.Length; tap++)
            {
                Vector.Widen(new Vector<byte>(from, starts[tap] + i), out Vector<ushort> tapLow, out Vector<ushort> tapHigh);
                var weight = new Vector<ushort>(weights[Math.Abs(tap - radius)]);
                low += tapLow * weight;
                high += tapHigh * weight;
            }

            Vector.Narrow(low >>> 8, high >>> 8).CopyTo(to[i..]);
        }

        for (; i < to.Length; i++)
        {
            int sum = 128;
            for (int tap = 0; tap < starts.Length; tap++)
            {
                sum += from[starts[tap] + i] * weights[Math.Abs(tap - radius)];
            }

            to[i] = (byte)(sum >> 8);
        }
    }
}
