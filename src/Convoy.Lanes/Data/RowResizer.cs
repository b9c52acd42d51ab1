using System.Numerics;

namespace Convoy.Lanes.Data;

/// <summary>Changes an image's height by linear interpolation, its width staying as it is: all that is left to do after most JPEGs were decoded at a scale.</summary>
internal static class RowResizer
{
    /// <summary>Resizes 4 bytes a pixel; the mapping of rows is that of <see cref="ImageGeometry"/>.</summary>
    /// <param name="from">The image.</param>
    /// <param name="fromSize">Its size.</param>
    /// <param name="to">Room for the resized image.</param>
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

    /// <summary>(top · (256 - weight) + bottom · weight) / 256, rounded; at most 65,408 before the division, so 16 bits do.</summary>
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
