using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Torch.Kernels;

/// <summary>
/// bfloat16 to float32 and back, for one number and for vectors with the same bits. bfloat16 is the upper half of a float32, rounded to nearest, ties to even; too large
/// numbers become infinite. Every NaN becomes 0x7FC0, as in the definition of libtorch's type (<c>c10::detail::round_to_nearest_even</c>). libtorch's own vector code
/// writes 0xFFFF where it runs and 0x7FC0 elsewhere, so a NaN's bits tell nothing there.
/// </summary>
public static class BFloat16Conversion
{
    /// <summary>The NaN that is written.</summary>
    public const ushort NaN = 0x7FC0;

    // Half a unit of the last place, less one bit; that bit is added when the unit is odd.
    internal const uint BelowHalf = 0x7FFF;

    /// <summary>The float32 of the same value.</summary>
    /// <param name="value">A bfloat16's bits.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Widen(ushort value) => BitConverter.UInt32BitsToSingle((uint)value << 16);

    /// <summary>The float32s of the same values.</summary>
    /// <param name="values">bfloat16s' bits.</param>
    /// <param name="first">Those of the first half.</param>
    /// <param name="second">Those of the second half.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Widen(Vector<ushort> values, out Vector<float> first, out Vector<float> second)
    {
        Vector.Widen(values, out Vector<uint> low, out Vector<uint> high);
        first = Vector.AsVectorSingle(low << 16);
        second = Vector.AsVectorSingle(high << 16);
    }

    /// <summary>The nearest bfloat16's bits.</summary>
    /// <param name="value">Any float32.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Narrow(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? NaN : (ushort)((bits + BelowHalf + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>The nearest bfloat16s' bits.</summary>
    /// <param name="first">The first half.</param>
    /// <param name="second">The second half.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<ushort> Narrow(Vector<float> first, Vector<float> second) => Vector.Narrow(Round(first), Round(second));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> Round(Vector<float> values)
    {
        Vector<uint> bits = Vector.AsVectorUInt32(values);
        Vector<uint> rounded = (bits + new Vector<uint>(BelowHalf) + ((bits >>> 16) & Vector<uint>.One)) >>> 16;
        return Vector.ConditionalSelect(Vector.AsVectorUInt32(Vector.Equals(values, values)), rounded, new Vector<uint>(NaN));
    }
}
