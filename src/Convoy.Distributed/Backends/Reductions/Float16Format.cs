using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Convoy.Distributed.Backends.Reductions;

/// <summary>float16 (IEEE binary16); combined in float32.</summary>
/// <remarks>
/// .NET 10 offers no vector instruction for the conversion, so it is done with shifts and one multiplication or addition, both
/// exact but for the one rounding that is wanted. The method is F. Giesen's, "half to float done quick" and "float to half".
/// </remarks>
internal readonly unsafe struct Float16Format : IElementFormat<ushort, float>
{
    // float32 has 13 more bits of mantissa, and its exponents are larger by 112.
    private const int MantissaShift = 13;
    private const uint ExponentDifference = 112u << 23;
    private const uint Infinity = 0x7F80_0000;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<float> First, Vector256<float> Second) Load(ushort* from)
    {
        (Vector256<uint> first, Vector256<uint> second) = Vector256.Widen(Vector256.Load(from));
        return (Widen(first), Widen(second));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> first, Vector256<float> second, ushort* to) =>
        Vector256.Narrow(Round(first), Round(second)).Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNonTemporal(Vector256<float> first, Vector256<float> second, ushort* to) =>
        Vector256.Narrow(Round(first), Round(second)).StoreAlignedNonTemporal(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Widen(Vector256<uint> half)
    {
        // As a float32 the shifted bits are 2^112 too small, subnormal or not; the multiplication corrects both.
        Vector256<uint> magnitude = (half & Vector256.Create(0x7FFFu)) << MantissaShift;
        Vector256<uint> scaled = (magnitude.AsSingle() * Vector256.Create(BitConverter.UInt32BitsToSingle(ExponentDifference + (127u << 23)))).AsUInt32();
        Vector256<uint> special = Vector256.GreaterThan(magnitude.AsInt32(), Vector256.Create((0x7C00 << MantissaShift) - 1)).AsUInt32();
        Vector256<uint> sign = (half & Vector256.Create(0x8000u)) << 16;
        return (scaled | (special & Vector256.Create(Infinity)) | sign).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Round(Vector256<float> value)
    {
        Vector256<uint> bits = value.AsUInt32();
        Vector256<uint> sign = bits & Vector256.Create(0x8000_0000u);
        Vector256<uint> magnitude = bits ^ sign;

        // Half a unit less one bit, and that bit when the unit is odd: to the nearest, ties to even. Overflow runs into infinity.
        Vector256<uint> odd = (magnitude >>> MantissaShift) & Vector256<uint>.One;
        Vector256<uint> normal = (magnitude - Vector256.Create(ExponentDifference) + Vector256.Create(0xFFFu) + odd) >>> MantissaShift;

        // Below 2^-14: adding a number whose last bit is worth 2^-24 leaves the processor to align and round.
        Vector256<uint> aligner = Vector256.Create((ExponentDifference >> 23) + (uint)(23 - 10) + 1) << 23;
        Vector256<uint> subnormal = (magnitude.AsSingle() + aligner.AsSingle()).AsUInt32() - aligner;

        Vector256<int> size = magnitude.AsInt32(); // without the sign the order of bits is that of values
        Vector256<uint> special = Vector256.ConditionalSelect(
            Vector256.GreaterThan(size, Vector256.Create((int)Infinity)).AsUInt32(), Vector256.Create(0x7E00u), Vector256.Create(0x7C00u));
        Vector256<uint> half = Vector256.ConditionalSelect(Vector256.LessThan(size, Vector256.Create((int)(ExponentDifference + (1u << 23)))).AsUInt32(), subnormal, normal);
        half = Vector256.ConditionalSelect(Vector256.LessThan(size, Vector256.Create((int)(ExponentDifference + (31u << 23)))).AsUInt32(), half, special);
        return half | (sign >>> 16);
    }
}
