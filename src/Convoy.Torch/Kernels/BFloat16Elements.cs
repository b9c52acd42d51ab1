using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Torch.Kernels;

/// <summary>bfloat16 in memory, float32 in registers: the upper half of a float32, rounded to nearest, ties to even.</summary>
internal readonly unsafe struct BFloat16Elements : IElements<float>
{
    private const ushort NotANumber = 0x7FC0;

    public static int Bytes => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* start, long index, out Vector<float> first, out Vector<float> second)
    {
        Vector.Widen(Unsafe.ReadUnaligned<Vector<ushort>>((ushort*)start + index), out Vector<uint> low, out Vector<uint> high);
        first = Vector.AsVectorSingle(low << 16);
        second = Vector.AsVectorSingle(high << 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* start, long index) => BitConverter.UInt32BitsToSingle((uint)((ushort*)start)[index] << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* start, long index, Vector<float> first, Vector<float> second) =>
        Unsafe.WriteUnaligned((ushort*)start + index, Vector.Narrow(Round(first), Round(second)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* start, long index, float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        ((ushort*)start)[index] = float.IsNaN(value) ? NotANumber : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> Round(Vector<float> values)
    {
        Vector<uint> bits = Vector.AsVectorUInt32(values);
        Vector<uint> rounded = (bits + new Vector<uint>(0x7FFF) + ((bits >>> 16) & Vector<uint>.One)) >>> 16;
        return Vector.ConditionalSelect(Vector.AsVectorUInt32(Vector.Equals(values, values)), rounded, new Vector<uint>(NotANumber));
    }
}
