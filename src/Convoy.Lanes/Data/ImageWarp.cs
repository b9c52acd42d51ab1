using System.Numerics;
using System.Runtime.Intrinsics;

namespace Convoy.Lanes.Data;

/// <summary>
/// Moves an image's pixels by an affine transform with bilinear interpolation, in whole numbers (weights in 1/256), so
/// that every machine gets the same bits.
/// </summary>
internal static unsafe class ImageWarp
{
    // What a turned or shrunk picture leaves uncovered: the mean colour of ImageNet, near 0 once normalised (the colour changes come after).
    private const uint Surround = 124u | (116u << 8) | (104u << 16) | (255u << 24);

    private const int FractionBits = 16;

    /// <summary>For each weight of the right pixel, the weights of the left pixel's four channels and the right one's.</summary>
    private static readonly Vector128<ushort>[] WeightsAcross =
        [.. Enumerable.Range(0, 256).Select(weight => Vector128.Create(Vector64.Create((ushort)(256 - weight)), Vector64.Create((ushort)weight)))];

    /// <summary>Moves an image.</summary>
    /// <param name="source">4 bytes a pixel.</param>
    /// <param name="target">Room for as many; other memory than the source.</param>
    /// <param name="size">The size of both.</param>
    /// <param name="back">Where each pixel of the target comes from, in centre coordinates.</param>
    public static void Apply(uint* source, uint* target, ImageSize size, Matrix3x2 back)
    {
        long stepX = Fixed(back.M11);
        long stepY = Fixed(back.M12);
        for (int y = 0; y < size.Height; y++)
        {
            long fromX = Fixed(((double)back.M21 * y) + back.M31) + (1 << (FractionBits - 9));
            long fromY = Fixed(((double)back.M22 * y) + back.M32) + (1 << (FractionBits - 9));
            uint* row = target + ((long)y * size.Width);
            for (int x = 0; x < size.Width; x++, fromX += stepX, fromY += stepY)
            {
                long left = fromX >> FractionBits;
                long top = fromY >> FractionBits;
                int weightX = (int)(fromX >> (FractionBits - 8)) & 255;
                int weightY = (int)(fromY >> (FractionBits - 8)) & 255;
                if ((ulong)left < (ulong)(size.Width - 1) && (ulong)top < (ulong)(size.Height - 1))
                {
                    uint* corner = source + (top * size.Width) + left;
                    row[x] = Blend(*(ulong*)corner, *(ulong*)(corner + size.Width), weightX, weightY);
                }
                else
                {
                    row[x] = AtEdge(source, size, left, top, weightX, weightY);
                }
            }
        }
    }

    private static long Fixed(double value) => (long)Math.Round(value * (1 << FractionBits));

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
