using System.Numerics;

namespace Convoy.Lanes.Data;

/// <summary>
/// Blurs an image with a Gaussian, first across, then down, in whole numbers (weights in 1/256). Beyond the edges the
/// outermost pixels are repeated. One instance serves one thread.
/// </summary>
internal sealed class GaussianBlur
{
    private readonly ImageSize _size;
    private byte[] _across = [];
    private byte[] _padded = [];

    public GaussianBlur(ImageSize size) => _size = size;

    /// <summary>Blurs 4 bytes a pixel.</summary>
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
