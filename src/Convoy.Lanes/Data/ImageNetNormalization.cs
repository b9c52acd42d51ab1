using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Convoy.Lanes.Data;

/// <summary>
/// Turns 8-bit pixels into the numbers that networks trained on ImageNet expect: (value / 255 - mean) / deviation for each
/// channel, with torchvision's statistics.
/// </summary>
/// <remarks>
/// Computed as value · factor + offset, multiplied and added separately (never fused), so that the vector and the scalar form give the
/// same bits on every machine.
/// </remarks>
public static class ImageNetNormalization
{
    private const float RedFactor = (float)(1 / (255 * 0.229));
    private const float GreenFactor = (float)(1 / (255 * 0.224));
    private const float BlueFactor = (float)(1 / (255 * 0.225));
    private const float RedOffset = (float)(-0.485 / 0.229);
    private const float GreenOffset = (float)(-0.456 / 0.224);
    private const float BlueOffset = (float)(-0.406 / 0.225);

    /// <summary>The means of red, green and blue, for values from 0 to 1.</summary>
    public static IReadOnlyList<float> Mean { get; } = [0.485f, 0.456f, 0.406f];

    /// <summary>The standard deviations of red, green and blue, for values from 0 to 1.</summary>
    public static IReadOnlyList<float> StandardDeviation { get; } = [0.229f, 0.224f, 0.225f];

    /// <summary>Writes the red plane, then the green one, then the blue one (contiguous <c>[3, height, width]</c>).</summary>
    /// <param name="rgba">The image, 4 bytes per pixel, the fourth ignored.</param>
    /// <param name="planes">Receives 3 floats per pixel.</param>
    public static void ToPlanes(ReadOnlySpan<byte> rgba, Span<float> planes)
    {
        int count = RequireRoom(rgba, planes);
        ReadOnlySpan<uint> pixels = MemoryMarshal.Cast<byte, uint>(rgba);
        ref uint source = ref MemoryMarshal.GetReference(pixels);
        ref float red = ref MemoryMarshal.GetReference(planes);
        ref float green = ref Unsafe.Add(ref red, count);
        ref float blue = ref Unsafe.Add(ref green, count);
        int i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            Vector256<uint> low = Vector256.Create(255u);
            for (; i <= count - Vector256<uint>.Count; i += Vector256<uint>.Count)
            {
                Vector256<uint> four = Vector256.LoadUnsafe(ref source, (nuint)i);
                Scaled(four & low, RedFactor, RedOffset).StoreUnsafe(ref red, (nuint)i);
                Scaled((four >> 8) & low, GreenFactor, GreenOffset).StoreUnsafe(ref green, (nuint)i);
                Scaled((four >> 16) & low, BlueFactor, BlueOffset).StoreUnsafe(ref blue, (nuint)i);
            }
        }

        for (; i < count; i++)
        {
            Unsafe.Add(ref red, i) = (rgba[4 * i] * RedFactor) + RedOffset;
            Unsafe.Add(ref green, i) = (rgba[(4 * i) + 1] * GreenFactor) + GreenOffset;
            Unsafe.Add(ref blue, i) = (rgba[(4 * i) + 2] * BlueFactor) + BlueOffset;
        }
    }

    /// <summary>Writes red, green and blue of each pixel side by side (contiguous <c>[height, width, 3]</c>).</summary>
    /// <param name="rgba">The image, 4 bytes per pixel, the fourth ignored.</param>
    /// <param name="interleaved">Receives 3 floats per pixel.</param>
    public static void ToInterleaved(ReadOnlySpan<byte> rgba, Span<float> interleaved)
    {
        int count = RequireRoom(rgba, interleaved);
        ref byte source = ref MemoryMarshal.GetReference(rgba);
        ref float target = ref MemoryMarshal.GetReference(interleaved);
        int i = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            // Four pixels become three vectors of four floats: r g b r, g b r g, b r g b.
            Vector128<byte> packed = Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 3, 3, 3);
            Vector128<float> factor0 = Vector128.Create(RedFactor, GreenFactor, BlueFactor, RedFactor);
            Vector128<float> factor1 = Vector128.Create(GreenFactor, BlueFactor, RedFactor, GreenFactor);
            Vector128<float> factor2 = Vector128.Create(BlueFactor, RedFactor, GreenFactor, BlueFactor);
            Vector128<float> offset0 = Vector128.Create(RedOffset, GreenOffset, BlueOffset, RedOffset);
            Vector128<float> offset1 = Vector128.Create(GreenOffset, BlueOffset, RedOffset, GreenOffset);
            Vector128<float> offset2 = Vector128.Create(BlueOffset, RedOffset, GreenOffset, BlueOffset);
            for (; i <= count - 4; i += 4)
            {
                Vector128<byte> rgb = Vector128.Shuffle(Vector128.LoadUnsafe(ref source, (nuint)(4 * i)), packed);
                (Vector128<ushort> lower, Vector128<ushort> upper) = Vector128.Widen(rgb);
                (Vector128<uint> first, Vector128<uint> second) = Vector128.Widen(lower);
                Vector128<uint> third = Vector128.WidenLower(upper);
                ref float block = ref Unsafe.Add(ref target, 3 * i);
                ((Vector128.ConvertToSingle(first.AsInt32()) * factor0) + offset0).StoreUnsafe(ref block);
                ((Vector128.ConvertToSingle(second.AsInt32()) * factor1) + offset1).StoreUnsafe(ref block, 4);
                ((Vector128.ConvertToSingle(third.AsInt32()) * factor2) + offset2).StoreUnsafe(ref block, 8);
            }
        }

        for (; i < count; i++)
        {
            interleaved[3 * i] = (rgba[4 * i] * RedFactor) + RedOffset;
            interleaved[(3 * i) + 1] = (rgba[(4 * i) + 1] * GreenFactor) + GreenOffset;
            interleaved[(3 * i) + 2] = (rgba[(4 * i) + 2] * BlueFactor) + BlueOffset;
        }
    }

    private static Vector256<float> Scaled(Vector256<uint> values, float factor, float offset) =>
        (Vector256.ConvertToSingle(values.AsInt32()) * Vector256.Create(factor)) + Vector256.Create(offset);

    private static int RequireRoom(ReadOnlySpan<byte> rgba, Span<float> target)
    {
        int count = rgba.Length / 4;
        ArgumentOutOfRangeException.ThrowIfLessThan(target.Length, 3 * count, nameof(target));
        return count;
    }
}
