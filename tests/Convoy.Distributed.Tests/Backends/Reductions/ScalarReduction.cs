using System.Numerics;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Backends.Reductions;

/// <summary>What the reductions must give, one element at a time and as plainly as it can be said.</summary>
internal static class ScalarReduction
{
    public static readonly ScalarType[] Types =
    [
        ScalarType.Float32, ScalarType.Float64, ScalarType.Float16, ScalarType.BFloat16,
        ScalarType.Int8, ScalarType.Int16, ScalarType.Int32, ScalarType.Int64, ScalarType.Byte, ScalarType.Bool,
    ];

    public static int Size(ScalarType dtype) => dtype switch
    {
        ScalarType.Float64 or ScalarType.Int64 => 8,
        ScalarType.Float32 or ScalarType.Int32 => 4,
        ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Int16 => 2,
        _ => 1,
    };

    public static bool IsFloating(ScalarType dtype) => dtype is ScalarType.Float32 or ScalarType.Float64 or ScalarType.Float16 or ScalarType.BFloat16;

    /// <summary>Combines one element of every rank.</summary>
    public static byte[] Combine(byte[][] elements, ScalarType dtype, ReduceOp op) => dtype switch
    {
        ScalarType.Float32 => Bytes(Floating(Read<float>(elements), op)),
        ScalarType.Float64 => Bytes(Floating(Read<double>(elements), op)),
        ScalarType.Float16 => Bytes((Half)Floating([.. Read<Half>(elements).Select(v => (float)v)], op)),
        ScalarType.BFloat16 => Bytes(ToBFloat16(Floating([.. Read<ushort>(elements).Select(FromBFloat16)], op))),
        ScalarType.Int8 => Bytes(unchecked((sbyte)Integer(Wide<sbyte>(elements), op))),
        ScalarType.Int16 => Bytes(unchecked((short)Integer(Wide<short>(elements), op))),
        ScalarType.Int32 => Bytes(unchecked((int)Integer(Wide<int>(elements), op))),
        ScalarType.Int64 => Bytes(unchecked((long)Integer(Wide<long>(elements), op))),
        ScalarType.Byte => [unchecked((byte)Integer(Wide<byte>(elements), op))],
        _ => [Boolean([.. elements.Select(e => e[0] != 0)], op) ? (byte)1 : (byte)0],
    };

    /// <summary>The same bytes, or both not a number.</summary>
    public static bool Same(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, ScalarType dtype) =>
        a.SequenceEqual(b) || (IsFloating(dtype) && double.IsNaN(ToDouble(a, dtype)) && double.IsNaN(ToDouble(b, dtype)));

    public static double ToDouble(ReadOnlySpan<byte> element, ScalarType dtype) => dtype switch
    {
        ScalarType.Float32 => MemoryMarshal.Read<float>(element),
        ScalarType.Float64 => MemoryMarshal.Read<double>(element),
        ScalarType.Float16 => (double)MemoryMarshal.Read<Half>(element),
        _ => FromBFloat16(MemoryMarshal.Read<ushort>(element)),
    };

    public static float FromBFloat16(ushort value) => BitConverter.UInt32BitsToSingle((uint)value << 16);

    /// <summary>The nearest of the two neighbours, the even one from the middle; the neighbour of the greatest counts as 2^128.</summary>
    public static ushort ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        ushort toZero = (ushort)(bits >> 16);
        if (float.IsNaN(value))
        {
            return 0x7FC0;
        }

        if (float.IsInfinity(value))
        {
            return toZero;
        }

        ushort away = (ushort)(toZero + 1);
        double down = Math.Abs(value - (double)FromBFloat16(toZero));
        double far = float.IsInfinity(FromBFloat16(away)) ? Math.Pow(2, 128) : Math.Abs((double)FromBFloat16(away));
        double up = far - Math.Abs((double)value);
        return down < up || (down == up && toZero % 2 == 0) ? toZero : away;
    }

    private static T Floating<T>(T[] values, ReduceOp op)
        where T : IFloatingPointIeee754<T> => op switch
        {
            ReduceOp.Sum => values.Aggregate((a, b) => a + b),
            ReduceOp.Average => values.Aggregate((a, b) => a + b) / T.CreateChecked(values.Length),
            ReduceOp.Product => values.Aggregate((a, b) => a * b),
            ReduceOp.Min => values.Any(T.IsNaN) ? T.NaN : values.Aggregate(T.Min),
            _ => values.Any(T.IsNaN) ? T.NaN : values.Aggregate(T.Max),
        };

    // Wide enough for eight factors of 8, 16 or 32 bits modulo 2^64, and for the sum of eight of 64 bits.
    private static Int128 Integer(Int128[] values, ReduceOp op) => op switch
    {
        ReduceOp.Sum => values.Aggregate((a, b) => a + b),
        ReduceOp.Product => values.Aggregate((a, b) => unchecked(a * b) & ulong.MaxValue),
        ReduceOp.Min => values.Min(),
        ReduceOp.Max => values.Max(),
        ReduceOp.BitwiseAnd => values.Aggregate((a, b) => a & b),
        ReduceOp.BitwiseOr => values.Aggregate((a, b) => a | b),
        _ => values.Aggregate((a, b) => a ^ b),
    };

    private static bool Boolean(bool[] values, ReduceOp op) => op switch
    {
        ReduceOp.Sum or ReduceOp.Max or ReduceOp.BitwiseOr => values.Any(v => v),
        ReduceOp.Product or ReduceOp.Min or ReduceOp.BitwiseAnd => values.All(v => v),
        _ => values.Count(v => v) % 2 == 1,
    };

    private static T[] Read<T>(byte[][] elements)
        where T : unmanaged => [.. elements.Select(e => MemoryMarshal.Read<T>(e))];

    private static Int128[] Wide<T>(byte[][] elements)
        where T : unmanaged, INumber<T> => [.. Read<T>(elements).Select(Int128.CreateChecked)];

    private static byte[] Bytes<T>(T value)
        where T : unmanaged
    {
        byte[] bytes = new byte[Marshal.SizeOf<T>()];
        MemoryMarshal.Write(bytes, value);
        return bytes;
    }
}
