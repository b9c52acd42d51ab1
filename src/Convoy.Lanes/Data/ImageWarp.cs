using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Convoy.Lanes.Data;

/// <summary>
/// Moves the pixels of an image by an affine transform with bilinear interpolation, in integer arithmetic (weights in 1/256), so that
/// every machine gets the same bits.
/// </summary>
internal static unsafe class ImageWarp
{
    // What a rotated or shrunk picture leaves uncovered: the mean colour of ImageNet, near 0 once normalised (the colour changes come after).
    private const uint Surround = 124u | (116u << 8) | (104u << 16) | (255u << 24);

    private const int FractionBits = 16;

    /// <summary>For each weight of the right pixel, the weights of the left pixel's four channels and the right one's.</summary>
    private static readonly Vector128<ushort>[] WeightsAcross =
        [.. Enumerable.Range(0, 256).Select(weight => Vector128.Create(Vector64.Create((ushort)(256 - weight)), Vector64.Create((ushort)weight)))];

    /// <summary>Moves an image.</summary>
    /// <param name="source">The image, 4 bytes per pixel, row by row.</param>
    /// <param name="target">Room for as many pixels; must not overlap the source.</param>
    /// <param name="size">The size of both.</param>
    /// <param name="back">Where each pixel of the target comes from, in coordinates of pixel centres.</param>
    public static void Apply(ReadOnlySpan<uint> source, Span<uint> target, ImageSize size, Matrix3x2 back)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(source.Length, size.Width * size.Height, nameof(source));
        ArgumentOutOfRangeException.ThrowIfLessThan(target.Length, size.Width * size.Height, nameof(target));
        fixed (uint* from = source, to = target)
        {
            Apply(from, to, size, back);
        }
    }

    private static void Apply(uint* source, uint* target, ImageSize size, Matrix3x2 back)
    {
        long stepX = Fixed(back.M11);
        long stepY = Fixed(back.M12);
        for (int y = 0; y < size.Height; y++)
        {
            long fromX = Fixed(((double)back.M21 * y) + back.M31) + (1 << (FractionBits - 9));
            long fromY = Fixed(((double)back.M22 * y) + back.M32) + (1 << (FractionBits - 9));
            uint* row = target + ((long)y * size.Width);
            (int first, int end) = Inside(fromX, stepX, size.Width, fromY, stepY, size.Height);
            Edge(source, row, size, 0, first, fromX, stepX, fromY, stepY);
            int x = Avx2.IsSupported ? InteriorByFours(source, row, size.Width, first, end, fromX, stepX, fromY, stepY) : first;
            for (; x < end; x++)
            {
                long atX = fromX + (x * stepX), atY = fromY + (x * stepY);
                uint* corner = source + ((atY >> FractionBits) * size.Width) + (atX >> FractionBits);
                row[x] = Blend(*(ulong*)corner, *(ulong*)(corner + size.Width), Weight(atX), Weight(atY));
            }

            Edge(source, row, size, end, size.Width, fromX, stepX, fromY, stepY);
        }
    }

    private static long Fixed(double value) => (long)Math.Round(value * (1 << FractionBits));

    private static int Weight(long at) => (int)(at >> (FractionBits - 8)) & 255;

    /// <summary>The pixels of a row whose four sources are all inside; they are consecutive, since their sources lie on a straight line.</summary>
    private static (int First, int End) Inside(long fromX, long stepX, int width, long fromY, long stepY, int height)
    {
        (long firstX, long endX) = Inside(fromX, stepX, (long)(width - 1) << FractionBits, width);
        (long firstY, long endY) = Inside(fromY, stepY, (long)(height - 1) << FractionBits, width);
        long first = Math.Max(firstX, firstY);
        return ((int)first, (int)Math.Max(first, Math.Min(endX, endY)));
    }

    /// <summary>For which x from 0 to below <paramref name="count"/> the value start + x · step is at least 0 and below the limit.</summary>
    private static (long First, long End) Inside(long start, long step, long limit, long count)
    {
        if (step < 0)
        {
            (start, step) = (limit - 1 - start, -step);
        }

        if (step == 0)
        {
            return start >= 0 && start < limit ? (0, count) : (0, 0);
        }

        long first = start >= 0 ? 0 : Math.Min(count, (-start + step - 1) / step);
        return (first, start >= limit ? first : Math.Clamp(((limit - 1 - start) / step) + 1, first, count));
    }

    private static void Edge(uint* source, uint* row, ImageSize size, int first, int end, long fromX, long stepX, long fromY, long stepY)
    {
        for (int x = first; x < end; x++)
        {
            long atX = fromX + (x * stepX), atY = fromY + (x * stepY);
            row[x] = AtEdge(source, size, atX >> FractionBits, atY >> FractionBits, Weight(atX), Weight(atY));
        }
    }

    /// <summary>Four pixels at a time, to the same bits as <see cref="Blend"/>.</summary>
    /// <returns>The first pixel that is left to do.</returns>
    private static int InteriorByFours(uint* source, uint* row, int width, int first, int end, long fromX, long stepX, long fromY, long stepY)
    {
        Vector256<ushort> half = Vector256.Create((ushort)128);

        // A weight is a number's second byte. Pixels 0 and 2 are in the lower half of the vectors, 1 and 3 in the upper one.
        Vector256<byte> eachAcross = Vector256.Create(Vector128.Create((byte)1, 255, 1, 255, 1, 255, 1, 255, 9, 255, 9, 255, 9, 255, 9, 255));
        Vector256<byte> firstDown = Vector256.Create(Vector128.Create((byte)1, 255, 1, 255, 1, 255, 1, 255, 1, 255, 1, 255, 1, 255, 1, 255));
        Vector256<byte> secondDown = Vector256.Create(Vector128.Create((byte)9, 255, 9, 255, 9, 255, 9, 255, 9, 255, 9, 255, 9, 255, 9, 255));
        long x0 = fromX + (first * stepX), y0 = fromY + (first * stepY);
        int x = first;
        for (; x <= end - 4; x += 4)
        {
            long x1 = x0 + stepX, x2 = x1 + stepX, x3 = x2 + stepX, y1 = y0 + stepY, y2 = y1 + stepY, y3 = y2 + stepY;
            uint* p0 = source + ((y0 >> FractionBits) * width) + (x0 >> FractionBits);
            uint* p1 = source + ((y1 >> FractionBits) * width) + (x1 >> FractionBits);
            uint* p2 = source + ((y2 >> FractionBits) * width) + (x2 >> FractionBits);
            uint* p3 = source + ((y3 >> FractionBits) * width) + (x3 >> FractionBits);
            Vector256<byte> across = Vector256.Create(x0, x2, x1, x3).AsByte(), down = Vector256.Create(y0, y2, y1, y3).AsByte();
            Vector256<ushort> columns01 = Mix(Pair(p0, p1), Pair(p0 + width, p1 + width), Avx2.Shuffle(down, firstDown).AsUInt16(), half);
            Vector256<ushort> columns23 = Mix(Pair(p2, p3), Pair(p2 + width, p3 + width), Avx2.Shuffle(down, secondDown).AsUInt16(), half);
            Vector256<ushort> left = Avx2.UnpackLow(columns01.AsUInt64(), columns23.AsUInt64()).AsUInt16();
            Vector256<ushort> right = Avx2.UnpackHigh(columns01.AsUInt64(), columns23.AsUInt64()).AsUInt16();
            Vector256<ushort> mixed = Mix(left, right, Avx2.Shuffle(across, eachAcross).AsUInt16(), half);
            Vector128<uint> pixels = Sse2.PackUnsignedSaturate(mixed.GetLower().AsInt16(), mixed.GetUpper().AsInt16()).AsUInt32();
            Sse2.Shuffle(pixels, 0b11_01_10_00).Store(row + x);
            x0 = x3 + stepX;
            y0 = y3 + stepY;
        }

        return x;
    }

    /// <summary>Two neighbouring pixels at each of two places, widened.</summary>
    private static Vector256<ushort> Pair(uint* first, uint* second) =>
        Avx2.ConvertToVector256Int16(Vector128.Create(*(ulong*)first, *(ulong*)second).AsByte()).AsUInt16();

    /// <summary>(a · (256 - weight) + b · weight + 128) / 256. Overflow on the way cancels out: the sum is below 65,536.</summary>
    private static Vector256<ushort> Mix(Vector256<ushort> a, Vector256<ushort> b, Vector256<ushort> weight, Vector256<ushort> half) =>
        ((a << 8) + ((b - a) * weight) + half) >>> 8;

    /// <summary>Blends two pixels of one row and the two below them.</summary>
    private static uint Blend(ulong upper, ulong lower, int weightX, int weightY)
    {
        Vector128<ushort> half = Vector128.Create((ushort)128);
        Vector128<ushort> above = Vector128.WidenLower(Vector128.CreateScalarUnsafe(upper).AsByte());
        Vector128<ushort> below = Vector128.WidenLower(Vector128.CreateScalarUnsafe(lower).AsByte());
        Vector128<ushort> column = ((above * (ushort)(256 - weightY)) + (below * (ushort)weightY) + half) >>> 8;
        Vector128<ushort> weighted = column * WeightsAcross[weightX];
        Vector128<ulong> right = Vector128.Shuffle(weighted.AsUInt64(), Vector128.Create(1ul, 1ul));
        Vector128<ushort> pixel = (weighted + right.AsUInt16() + half) >>> 8;
        return Vector128.Narrow(pixel, pixel).AsUInt32().ToScalar();
    }

    /// <summary>A pixel whose four sources are not all inside: the picture reaches half a pixel beyond its outer centres.</summary>
    private static uint AtEdge(uint* source, ImageSize size, long left, long top, int weightX, int weightY)
    {
        bool covered = (left >= 0 || (left == -1 && weightX >= 128))
            && (left < size.Width - 1 || (left == size.Width - 1 && weightX < 128))
            && (top >= 0 || (top == -1 && weightY >= 128))
            && (top < size.Height - 1 || (top == size.Height - 1 && weightY < 128));
        if (!covered)
        {
            return Surround;
        }

        long x0 = Math.Max(left, 0);
        long x1 = Math.Min(left + 1, size.Width - 1);
        uint* upper = source + (Math.Max(top, 0) * size.Width);
        uint* lower = source + (Math.Min(top + 1, size.Height - 1) * size.Width);
        return Blend(upper[x0] | ((ulong)upper[x1] << 32), lower[x0] | ((ulong)lower[x1] << 32), weightX, weightY);
    }
}
