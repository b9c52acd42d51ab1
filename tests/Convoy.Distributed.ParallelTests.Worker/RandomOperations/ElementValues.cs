using System.Buffers.Binary;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker.RandomOperations;

/// <summary>What ranks put into random operations, as closed forms of rank and index, and what must come out: the bytes, bit by bit.</summary>
internal static class ElementValues
{
    private static readonly double[] Scales = [1, 7, 49];

    /// <summary>The elements <paramref name="start"/> to <paramref name="start"/> + <paramref name="count"/> - 1 of a rank.</summary>
    public static byte[] Of(ScalarType type, int salt, int rank, long start, long count) => Combined(type, ReduceOp.Sum, salt, [[rank]], start, count);

    /// <summary>How many bytes an element has.</summary>
    public static int Size(ScalarType type) => type switch
    {
        ScalarType.Float64 or ScalarType.Int64 => 8,
        ScalarType.Float32 or ScalarType.Int32 => 4,
        ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Int16 => 2,
        _ => 1,
    };

    /// <summary>
    /// The elements of all ranks combined: those of each host in the order of its ranks, then the hosts; half types in float32, rounded once on each level, their average divided on the first.
    /// </summary>
    /// <param name="type">The type.</param>
    /// <param name="op">How.</param>
    /// <param name="salt">What makes values differ.</param>
    /// <param name="hosts">The ranks of each host.</param>
    /// <param name="start">The first element.</param>
    /// <param name="count">How many.</param>
    public static byte[] Combined(ScalarType type, ReduceOp op, int salt, IReadOnlyList<int[]> hosts, long start, long count)
    {
        int size = Size(type);
        byte[] bytes = new byte[count * size];
        for (int i = 0; i < count; i++)
        {
            int index = i;
            Span<byte> element = bytes.AsSpan(i * size, size);
            switch (type)
            {
                case ScalarType.Float64:
                    BinaryPrimitives.WriteDoubleLittleEndian(element, Combine(op, hosts, rank => Double(salt, rank, start + index)));
                    break;
                case ScalarType.Float32:
                    BinaryPrimitives.WriteSingleLittleEndian(element, Combine(op, hosts, rank => Single(salt, rank, start + index)));
                    break;
                case ScalarType.Float16:
                    BinaryPrimitives.WriteHalfLittleEndian(element, (Half)CombineHalves(op, hosts, rank => HalfPrecision(salt, rank, start + index), value => (float)(Half)value));
                    break;
                case ScalarType.BFloat16:
                    BinaryPrimitives.WriteUInt16LittleEndian(element, BFloat16(CombineHalves(op, hosts, rank => HalfPrecision(salt, rank, start + index), value => BitConverter.UInt32BitsToSingle((uint)BFloat16(value) << 16))));
                    break;
                default:
                    PutInteger(element, type, op, salt, [.. hosts.SelectMany(host => host)], start + i);
                    break;
            }
        }

        return bytes;
    }

    private static T Combine<T>(ReduceOp op, IReadOnlyList<int[]> hosts, Func<int, T> value)
        where T : System.Numerics.IFloatingPoint<T>
    {
        T combined = Fold(op, [.. hosts.Select(host => Fold(op, [.. host.Select(value)]))]);
        return op == ReduceOp.Average ? combined / T.CreateChecked(hosts.Sum(host => host.Length)) : combined;
    }

    // What one host has is rounded before it travels; the last rounding is the caller's.
    private static float CombineHalves(ReduceOp op, IReadOnlyList<int[]> hosts, Func<int, float> value, Func<float, float> round)
    {
        float divisor = op == ReduceOp.Average ? hosts.Sum(host => host.Length) : 1;
        float[] ofHosts = [.. hosts.Select(host => Fold(op, [.. host.Select(value)]) / divisor)];
        return ofHosts.Length == 1 ? ofHosts[0] : Fold(op, [.. ofHosts.Select(round)]);
    }

    private static T Fold<T>(ReduceOp op, T[] values)
        where T : System.Numerics.IFloatingPoint<T> => values.Aggregate((combined, next) => op switch
        {
            ReduceOp.Sum or ReduceOp.Average => combined + next,
            ReduceOp.Product => combined * next,
            ReduceOp.Min => T.Min(combined, next),
            _ => T.Max(combined, next),
        });

    private static void PutInteger(Span<byte> element, ScalarType type, ReduceOp op, int salt, int[] ranks, long index)
    {
        long combined = Integer(type, salt, ranks[0], index);
        foreach (int rank in ranks.AsSpan(1))
        {
            long next = Integer(type, salt, rank, index);
            combined = (op, type) switch
            {
                (ReduceOp.Sum, ScalarType.Bool) or (ReduceOp.BitwiseOr, _) => combined | next,
                (ReduceOp.Product, ScalarType.Bool) or (ReduceOp.BitwiseAnd, _) => combined & next,
                (ReduceOp.BitwiseXor, _) => combined ^ next,
                (ReduceOp.Sum, _) => unchecked(combined + next),
                (ReduceOp.Product, _) => unchecked(combined * next),
                (ReduceOp.Min, _) => Math.Min(combined, next),
                _ => Math.Max(combined, next),
            };
        }

        // The low bytes: what wraps around in 64 bits wraps around in fewer as well.
        for (int i = 0; i < element.Length; i++)
        {
            element[i] = (byte)(combined >> (8 * i));
        }
    }

    // Tenths of ranks far apart: sums and products depend on the order.
    private static double Double(int salt, int rank, long index) => Number(salt, rank, index) * 0.1 * Scales[rank % 3];

    private static float Single(int salt, int rank, long index) => (float)Double(salt, rank, index);

    // Eighths below 16 times 1, 8 or 64, which both half types hold exactly; most of their sums and products they do not.
    private static float HalfPrecision(int salt, int rank, long index) => Number(salt, rank, index) / 8f * (1 << (3 * (rank % 3)));

    private static ushort BFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static long Integer(ScalarType type, int salt, int rank, long index)
    {
        long number = Number(salt, rank, index);
        return type switch
        {
            ScalarType.Bool => number > -40 ? 1 : 0,
            ScalarType.Byte => number + 125,
            ScalarType.Int8 => number,
            ScalarType.Int16 => number * 257,
            ScalarType.Int32 => number * 16_777_259,
            _ => number * 36_028_797_018_963_913,
        };
    }

    // From -125 to 125, without a period in the index.
    private static long Number(int salt, int rank, long index)
    {
        uint hash = unchecked((uint)((index * 2_654_435_761) + (rank * 40_503L) + (salt * 2_246_822_519L)));
        hash = unchecked((hash ^ (hash >> 15)) * 0x2C1B3C6D);
        return ((hash ^ (hash >> 13)) % 251) - 125L;
    }
}
