using System.Numerics;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.Reductions;

/// <summary>
/// Combines the same range of all ranks' memory and writes the result to one or several places. Elements are combined in the
/// order of the ranks, and each by itself, so neither the vectors' width nor who reduces which part changes a bit of the result.
/// </summary>
internal static unsafe class Reduction
{
    /// <summary>Reduces one range.</summary>
    /// <param name="sources">Where each rank's range starts, in the order of the ranks.</param>
    /// <param name="ranks">How many sources there are, at least 1.</param>
    /// <param name="destinations">
    /// Where the result goes. A destination is either one of the sources or touches none; all are written after the sources'
    /// elements at the same place were read.
    /// </param>
    /// <param name="destinationCount">How many destinations there are, at least 1.</param>
    /// <param name="count">Elements in the range; any number from 0 on, at any address.</param>
    /// <param name="dtype">Their type.</param>
    /// <param name="op">How to combine.</param>
    /// <param name="divisor">What <see cref="ReduceOp.Average"/> divides the sum by; null: the number of sources.</param>
    /// <exception cref="ArgumentException">Not supported, see <see cref="ReduceOps.Supports"/>.</exception>
    public static void Run(byte** sources, int ranks, byte** destinations, int destinationCount, long count, ScalarType dtype, ReduceOp op, int? divisor = null)
    {
        if (!ReduceOps.Supports(dtype, op))
        {
            throw new ArgumentException($"no {op} of {dtype}", nameof(op));
        }

        var range = new ReductionRange(sources, ranks, destinations, destinationCount, count, divisor ?? ranks);
        switch (dtype)
        {
            case ScalarType.Float32:
                Floating<float, float, PlainFormat<float>>(range, op);
                break;
            case ScalarType.Float64:
                Floating<double, double, PlainFormat<double>>(range, op);
                break;
            case ScalarType.Float16:
                Floating<ushort, float, Float16Format>(range, op);
                break;
            case ScalarType.BFloat16:
                Floating<ushort, float, BFloat16Format>(range, op);
                break;
            case ScalarType.Int8:
                Integer<sbyte>(range, op);
                break;
            case ScalarType.Int16:
                Integer<short>(range, op);
                break;
            case ScalarType.Int32:
                Integer<int>(range, op);
                break;
            case ScalarType.Int64:
                Integer<long>(range, op);
                break;
            case ScalarType.Byte:
                Integer<byte>(range, op);
                break;
            default:
                Boolean(range, op);
                break;
        }
    }

    private static void Floating<TStored, TComputed, TFormat>(in ReductionRange range, ReduceOp op)
        where TStored : unmanaged
        where TComputed : unmanaged, INumber<TComputed>
        where TFormat : IElementFormat<TStored, TComputed>
    {
        switch (op)
        {
            case ReduceOp.Sum:
                ReductionKernel<TStored, TComputed, TFormat, SumReduction>.Run(range);
                break;
            case ReduceOp.Average:
                ReductionKernel<TStored, TComputed, TFormat, AverageReduction>.Run(range);
                break;
            case ReduceOp.Product:
                ReductionKernel<TStored, TComputed, TFormat, ProductReduction>.Run(range);
                break;
            case ReduceOp.Min:
                ReductionKernel<TStored, TComputed, TFormat, MinReduction>.Run(range);
                break;
            default:
                ReductionKernel<TStored, TComputed, TFormat, MaxReduction>.Run(range);
                break;
        }
    }

    private static void Integer<T>(in ReductionRange range, ReduceOp op)
        where T : unmanaged, INumber<T>
    {
        switch (op)
        {
            case ReduceOp.Sum:
                ReductionKernel<T, T, PlainFormat<T>, SumReduction>.Run(range);
                break;
            case ReduceOp.Product:
                ReductionKernel<T, T, PlainFormat<T>, ProductReduction>.Run(range);
                break;
            case ReduceOp.Min:
                ReductionKernel<T, T, PlainFormat<T>, MinReduction>.Run(range);
                break;
            case ReduceOp.Max:
                ReductionKernel<T, T, PlainFormat<T>, MaxReduction>.Run(range);
                break;
            case ReduceOp.BitwiseAnd:
                ReductionKernel<T, T, PlainFormat<T>, AndReduction>.Run(range);
                break;
            case ReduceOp.BitwiseOr:
                ReductionKernel<T, T, PlainFormat<T>, OrReduction>.Run(range);
                break;
            default:
                ReductionKernel<T, T, PlainFormat<T>, XorReduction>.Run(range);
                break;
        }
    }

    private static void Boolean(in ReductionRange range, ReduceOp op)
    {
        switch (op)
        {
            case ReduceOp.Sum or ReduceOp.Max or ReduceOp.BitwiseOr:
                ReductionKernel<byte, byte, BooleanFormat, OrReduction>.Run(range);
                break;
            case ReduceOp.Product or ReduceOp.Min or ReduceOp.BitwiseAnd:
                ReductionKernel<byte, byte, BooleanFormat, AndReduction>.Run(range);
                break;
            default:
                ReductionKernel<byte, byte, BooleanFormat, XorReduction>.Run(range);
                break;
        }
    }
}

/// <summary>What a reduction reads and writes; see <see cref="Reduction.Run"/>.</summary>
internal readonly unsafe struct ReductionRange(byte** sources, int ranks, byte** destinations, int destinationCount, long count, int divisor)
{
    public byte** Sources { get; } = sources;

    public int Ranks { get; } = ranks;

    /// <summary>What an average divides the sum by.</summary>
    public int Divisor { get; } = divisor;

    public byte** Destinations { get; } = destinations;

    public int DestinationCount { get; } = destinationCount;

    public long Count { get; } = count;

    /// <summary>Whether every destination starts at a multiple of <paramref name="bytes"/> and is none of the sources.</summary>
    public bool WritesApart(int bytes)
    {
        for (int i = 0; i < DestinationCount; i++)
        {
            if ((nuint)Destinations[i] % (uint)bytes != 0)
            {
                return false;
            }

            for (int rank = 0; rank < Ranks; rank++)
            {
                if (Destinations[i] == Sources[rank])
                {
                    return false;
                }
            }
        }

        return true;
    }
}
