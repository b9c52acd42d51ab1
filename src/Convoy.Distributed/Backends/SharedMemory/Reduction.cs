using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// Combines the same range of all ranks' buffers and writes the result to all of them. Elements are combined in the order of
/// the ranks, and each by itself, so neither the vectors' width nor who reduces which part changes a bit of the result.
/// </summary>
internal static unsafe class Reduction
{
    /// <param name="buffers">Where each rank's range starts.</param>
    /// <param name="ranks">How many buffers there are.</param>
    /// <param name="count">Elements in the range.</param>
    /// <param name="dtype">Their type.</param>
    /// <param name="op">How to combine.</param>
    public static void Run(byte** buffers, int ranks, long count, ScalarType dtype, ReduceOp op)
    {
        switch (dtype)
        {
            case ScalarType.Float32:
                Run((float**)buffers, ranks, count, op);
                break;
            case ScalarType.Float64:
                Run((double**)buffers, ranks, count, op);
                break;
            case ScalarType.Int64:
                Run((long**)buffers, ranks, count, op);
                break;
            case ScalarType.Int32:
                Run((int**)buffers, ranks, count, op);
                break;
            case ScalarType.Byte:
            case ScalarType.Bool: // Bytes of 0 and 1: the least says whether all are set, the greatest whether any is.
                Run(buffers, ranks, count, op);
                break;
            default:
                throw new ArgumentException($"no reduction for {dtype}", nameof(dtype));
        }
    }

    private static void Run<T>(T** buffers, int ranks, long count, ReduceOp op)
        where T : unmanaged, INumber<T>
    {
        switch (op)
        {
            case ReduceOp.Sum:
                Combine<T, SumReduction>(buffers, ranks, count, T.One);
                break;
            case ReduceOp.Average:
                Combine<T, SumReduction>(buffers, ranks, count, T.CreateChecked(ranks));
                break;
            case ReduceOp.Min:
                Combine<T, MinReduction>(buffers, ranks, count, T.One);
                break;
            default:
                Combine<T, MaxReduction>(buffers, ranks, count, T.One);
                break;
        }
    }

    private static void Combine<T, TReduction>(T** buffers, int ranks, long count, T divisor)
        where T : unmanaged, INumber<T>
        where TReduction : IReduction
    {
        bool divide = divisor != T.One;
        long i = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            Vector512<T> divisors = Vector512.Create(divisor);
            for (; i <= count - (2 * Vector512<T>.Count); i += 2 * Vector512<T>.Count)
            {
                Vector512<T> a = Vector512.Load(buffers[0] + i), b = Vector512.Load(buffers[0] + i + Vector512<T>.Count);
                for (int rank = 1; rank < ranks; rank++)
                {
                    a = TReduction.Combine(a, Vector512.Load(buffers[rank] + i));
                    b = TReduction.Combine(b, Vector512.Load(buffers[rank] + i + Vector512<T>.Count));
                }

                (a, b) = divide ? (a / divisors, b / divisors) : (a, b);
                for (int rank = 0; rank < ranks; rank++)
                {
                    a.Store(buffers[rank] + i);
                    b.Store(buffers[rank] + i + Vector512<T>.Count);
                }
            }
        }
        else
        {
            Vector256<T> divisors = Vector256.Create(divisor);
            for (; i <= count - (2 * Vector256<T>.Count); i += 2 * Vector256<T>.Count)
            {
                Vector256<T> a = Vector256.Load(buffers[0] + i), b = Vector256.Load(buffers[0] + i + Vector256<T>.Count);
                for (int rank = 1; rank < ranks; rank++)
                {
                    a = TReduction.Combine(a, Vector256.Load(buffers[rank] + i));
                    b = TReduction.Combine(b, Vector256.Load(buffers[rank] + i + Vector256<T>.Count));
                }

                (a, b) = divide ? (a / divisors, b / divisors) : (a, b);
                for (int rank = 0; rank < ranks; rank++)
                {
                    a.Store(buffers[rank] + i);
                    b.Store(buffers[rank] + i + Vector256<T>.Count);
                }
            }
        }

        CombineTail<T, TReduction>(buffers, ranks, i, count, divisor, divide);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void CombineTail<T, TReduction>(T** buffers, int ranks, long start, long count, T divisor, bool divide)
        where T : unmanaged, INumber<T>
        where TReduction : IReduction
    {
        for (long i = start; i < count; i++)
        {
            T a = buffers[0][i];
            for (int rank = 1; rank < ranks; rank++)
            {
                a = TReduction.Combine(a, buffers[rank][i]);
            }

            a = divide ? a / divisor : a;
            for (int rank = 0; rank < ranks; rank++)
            {
                buffers[rank][i] = a;
            }
        }
    }
}
