using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Torch.Kernels;

/// <summary>
/// float16 (IEEE binary16) to float32 and back, for one number and for vectors with the same bits: rounded to nearest, ties to even; too large numbers become infinite. A NaN
/// keeps its sign and the upper bits of its payload and becomes quiet, as by the processors' own instruction (x86's F16C, Arm's FCVT), which libtorch uses.
/// </summary>
/// <remarks>
/// .NET 10 offers no vector instruction for the conversion, so it is done with shifts and one multiplication or addition, both
/// exact but for the one rounding that is wanted. The method is F. Giesen's, "half to float done quick" and "float to half".
/// </remarks>
public static class Float16Conversion
{
    // float32 has 13 more bits of mantissa, and its exponents are larger by 112.
    private const int MantissaShift = 13;
    private const uint ExponentDifference = 112u << 23;
    private const uint Sign = 0x8000_0000;
    private const uint Infinity = 0x7F80_0000;
    private const uint Quiet = 0x0040_0000;
    private const uint NarrowInfinity = 0x7C00;
    private const uint NarrowQuiet = 0x0200;
    private const uint NarrowMantissa = 0x03FF;

    // Half a unit of the last place, less one bit; that bit is added when the unit is odd.
    private const uint BelowHalf = 0x0FFF;

    // Added to a number below 2^-14: its last bit is worth 2^-24, so the processor aligns and rounds.
    private const uint Aligner = (112 + 23 - 10 + 1u) << 23;

    /// <summary>The float32 of the same value.</summary>
    /// <param name="value">A float16's bits.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Widen(ushort value) => Widen(new Vector<uint>((uint)value))[0];

    /// <summary>The float32s of the same values.</summary>
    /// <param name="values">float16s' bits.</param>
    /// <param name="first">Those of the first half.</param>
    /// <param name="second">Those of the second half.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Widen(Vector<ushort> values, out Vector<float> first, out Vector<float> second)
    {
        Vector.Widen(values, out Vector<uint> low, out Vector<uint> high);
        first = Widen(low);
        second = Widen(high);
    }

    /// <summary>The nearest float16's bits.</summary>
    /// <param name="value">Any float32.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Narrow(float value) => (ushort)Round(new Vector<float>(value))[0];

    /// <summary>The nearest float16s' bits.</summary>
    /// <param name="first">The first half.</param>
    /// <param name="second">The second half.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<ushort> Narrow(Vector<float> first, Vector<float> second) => Vector.Narrow(Round(first), Round(second));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Widen(Vector<uint> half)
    {
        // As a float32 the shifted bits are 2^112 too small, subnormal or not; the multiplication corrects both.
        Vector<uint> magnitude = (half & new Vector<uint>(0x7FFF)) << MantissaShift;
        Vector<uint> scaled = Vector.AsVectorUInt32(Vector.AsVectorSingle(magnitude) * Vector.AsVectorSingle(new Vector<uint>(ExponentDifference + (127u << 23))));
        Vector<uint> isSpecial = IsAbove(magnitude, (NarrowInfinity << MantissaShift) - 1);
        Vector<uint> isNaN = IsAbove(magnitude, NarrowInfinity << MantissaShift);
        Vector<uint> sign = (half & new Vector<uint>(0x8000)) << 16;
        return Vector.AsVectorSingle(scaled | (isSpecial & new Vector<uint>(Infinity)) | (isNaN & new Vector<uint>(Quiet)) | sign);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> Round(Vector<float> value)
    {
        Vector<uint> bits = Vector.AsVectorUInt32(value);
        Vector<uint> sign = bits & new Vector<uint>(Sign);
        Vector<uint> magnitude = bits ^ sign; // Without the sign the order of bits is that of values.
        Vector<uint> odd = (magnitude >>> MantissaShift) & Vector<uint>.One;
        Vector<uint> normal = (magnitude - new Vector<uint>(ExponentDifference) + new Vector<uint>(BelowHalf) + odd) >>> MantissaShift;
        Vector<uint> aligner = new(Aligner);
        Vector<uint> subnormal = Vector.AsVectorUInt32(Vector.AsVectorSingle(magnitude) + Vector.AsVectorSingle(aligner)) - aligner;
        Vector<uint> payload = ((magnitude >>> MantissaShift) & new Vector<uint>(NarrowMantissa)) | new Vector<uint>(NarrowQuiet);
        Vector<uint> special = (IsAbove(magnitude, Infinity) & payload) | new Vector<uint>(NarrowInfinity);
        Vector<uint> half = Vector.ConditionalSelect(IsAbove(magnitude, ExponentDifference + (1u << 23) - 1), normal, subnormal);
        half = Vector.ConditionalSelect(IsAbove(magnitude, ExponentDifference + (31u << 23) - 1), special, half);
        return half | (sign >>> 16);
    }

    // All bits where a magnitude is above a bound. Compared with their signs, which neither has: instruction sets before AVX-512 know no other order.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> IsAbove(Vector<uint> magnitude, uint bound) =>
        Vector.AsVectorUInt32(Vector.GreaterThan(Vector.AsVectorInt32(magnitude), new Vector<int>((int)bound)));
}
