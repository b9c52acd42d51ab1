using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Convoy.Distributed.Backends.Reductions;

/// <summary>bfloat16, the upper half of a float32; combined in float32.</summary>
internal readonly unsafe struct BFloat16Format : IElementFormat<ushort, float>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<float> First, Vector256<float> Second) Load(ushort* from)
    {
        (Vector256<uint> first, Vector256<uint> second) = Vector256.Widen(Vector256.Load(from));
        return ((first << 16).AsSingle(), (second << 16).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> first, Vector256<float> second, ushort* to) => Narrow(first, second).Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNonTemporal(Vector256<float> first, Vector256<float> second, ushort* to) => Narrow(first, second).StoreAlignedNonTemporal(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> Narrow(Vector256<float> first, Vector256<float> second) => Vector256.Narrow(Round(first), Round(second));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Round(Vector256<float> value)
    {
        // Half a unit less one bit, and that bit when the unit is odd: to the nearest, ties to even. Overflow runs into infinity.
        Vector256<uint> bits = value.AsUInt32();
        Vector256<uint> odd = (bits >>> 16) & Vector256<uint>.One;
        Vector256<uint> rounded = (bits + Vector256.Create(0x7FFFu) + odd) >>> 16;

        // A NaN could round to infinity; it keeps its upper half and becomes quiet.
        Vector256<uint> notANumber = (bits >>> 16) | Vector256.Create(0x0040u);
        return Vector256.ConditionalSelect(Vector256.IsNaN(value).AsUInt32(), notANumber, rounded);
    }
}
