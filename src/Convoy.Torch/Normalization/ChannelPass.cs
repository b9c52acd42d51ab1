using System.Numerics;
using System.Runtime.CompilerServices;
using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;
using static TorchSharp.torch;

namespace Convoy.Torch.Normalization;

/// <summary>
/// Runs an <see cref="IChannelOperation"/> over tensors in one pass over memory. bfloat16 is computed in float32. Short stretches of sums are
/// added in float32 (float64 for float64 tensors), these in float64, so that the sums of parts on several ranks agree with the sum of the
/// whole to the type's rounding. The stretches depend on the shape alone, so the result does not change with the number of threads.
/// </summary>
internal static unsafe class ChannelPass
{
    // Elements that one thread takes at a time.
    private const long ChunkElements = 1 << 17;

    // Rows (channels last) or pairs of vectors (otherwise) that are added without going over to float64.
    private const int Stretch = 64;

    /// <param name="operands">The tensors.</param>
    /// <param name="layout">The layout of all of them.</param>
    /// <param name="constants">The channels' numbers; rounded to the type in which the pass computes.</param>
    /// <param name="threads">How many threads may work.</param>
    /// <returns>The first sum of every channel, then the second of every channel; empty for an operation without sums.</returns>
    public static double[] Run<TOperation>(ChannelOperands operands, ChannelLayout layout, ChannelConstants constants, int threads)
        where TOperation : IChannelOperation => operands.X.dtype switch
        {
            ScalarType.Float64 => Run<double, NativeElements<double>, TOperation>(operands, layout, constants, threads),
            ScalarType.BFloat16 => Run<float, BFloat16Elements, TOperation>(operands, layout, constants, threads),
            _ => Run<float, NativeElements<float>, TOperation>(operands, layout, constants, threads),
        };

    private static double[] Run<T, TElements, TOperation>(ChannelOperands operands, ChannelLayout layout, ChannelConstants constants, int threads)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TElements : IElements<T>
        where TOperation : IChannelOperation
    {
        int channels = layout.Channels;
        T[] table = constants.Table<T>();
        nint x = Address(operands.X), gradient = Address(operands.Gradient), other = Address(operands.Other), result = Address(operands.Result);
        long rows = layout.ChannelsLast ? layout.Count : layout.Batch;
        long rowsPerChunk = layout.ChannelsLast ? Math.Max(Stretch, ChunkElements / Math.Max(1, channels)) : 1;
        int chunks = (int)((rows + rowsPerChunk - 1) / rowsPerChunk);
        double[][] partial = new double[TOperation.Sums ? chunks : 0][];
        Parallelism.Run(chunks, threads, chunk =>
        {
            double[] sums = TOperation.Sums ? new double[2 * channels] : [];
            var pointers = new Pointers((byte*)x, (byte*)gradient, (byte*)other, (byte*)result);
            fixed (T* numbers = table)
            {
                if (layout.ChannelsLast)
                {
                    long start = chunk * rowsPerChunk;
                    Rows<T, TElements, TOperation>(pointers, start, Math.Min(rows, start + rowsPerChunk), channels, numbers, sums);
                }
                else
                {
                    for (int channel = 0; channel < channels; channel++)
                    {
                        long start = ((chunk * (long)channels) + channel) * layout.Positions;
                        Plane<T, TElements, TOperation>(pointers, start, layout.Positions, channel, channels, numbers + channel, sums);
                    }
                }
            }

            if (TOperation.Sums)
            {
                partial[chunk] = sums;
            }
        });

        double[] total = new double[TOperation.Sums ? 2 * channels : 0];
        foreach (double[] sums in partial)
        {
            for (int i = 0; i < total.Length; i++)
            {
                total[i] += sums[i];
            }
        }

        return total;
    }

    private static nint Address(Tensor? tensor) => tensor is null ? 0 : (nint)TensorMemory.Address(tensor);

    // Channels last: memory is passed through from beginning to end, two rows at a time, with the sums in the nearest cache. (To keep a
    // vector of channels in registers along many rows is a third as fast: the processor does not fetch ahead then.)
    private static void Rows<T, TElements, TOperation>(Pointers pointers, long firstRow, long endRow, int channels, T* table, double[] sums)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TElements : IElements<T>
        where TOperation : IChannelOperation
    {
        T[] stretch = new T[TOperation.Sums ? 2 * channels : 0];
        fixed (T* first = stretch)
        {
            T* second = first + channels;
            for (long row = firstRow; row < endRow; row += Stretch)
            {
                long end = Math.Min(endRow, row + Stretch), pairsEnd = row + ((end - row) & ~1L);
                for (long r = row; r < pairsEnd; r += 2)
                {
                    Row<T, TElements, TOperation>(pointers, r * channels, channels, 2, table, first, second);
                }

                if (pairsEnd < end)
                {
                    Row<T, TElements, TOperation>(pointers, pairsEnd * channels, channels, 1, table, first, second);
                }

                if (TOperation.Sums)
                {
                    for (int i = 0; i < stretch.Length; i++)
                    {
                        sums[i] += double.CreateTruncating(stretch[i]);
                    }

                    Array.Clear(stretch);
                }
            }
        }
    }

    // One row, or two that follow each other. Not inlined: the compiler's budget for inlining is needed in here.
    private static void Row<T, TElements, TOperation>(Pointers pointers, long start, int channels, int rows, T* table, T* first, T* second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TElements : IElements<T>
        where TOperation : IChannelOperation
    {
        int width = Vector<T>.Count, channel = 0;
        for (; channel <= channels - (2 * width); channel += 2 * width)
        {
            var numbersA = ChannelVectors<T>.Neighbours(table + channel, channels);
            var numbersB = ChannelVectors<T>.Neighbours(table + channel + width, channels);
            Vector<T> firstA = default, secondA = default, firstB = default, secondB = default;
            if (TOperation.Sums)
            {
                (firstA, firstB) = (Unsafe.ReadUnaligned<Vector<T>>(first + channel), Unsafe.ReadUnaligned<Vector<T>>(first + channel + width));
                (secondA, secondB) = (Unsafe.ReadUnaligned<Vector<T>>(second + channel), Unsafe.ReadUnaligned<Vector<T>>(second + channel + width));
            }

            Pair<T, TElements, TOperation>(pointers, start + channel, numbersA, numbersB, ref firstA, ref secondA, ref firstB, ref secondB);
            if (rows == 2)
            {
                Pair<T, TElements, TOperation>(pointers, start + channels + channel, numbersA, numbersB, ref firstA, ref secondA, ref firstB, ref secondB);
            }

            if (TOperation.Sums)
            {
                Unsafe.WriteUnaligned(first + channel, firstA);
                Unsafe.WriteUnaligned(first + channel + width, firstB);
                Unsafe.WriteUnaligned(second + channel, secondA);
                Unsafe.WriteUnaligned(second + channel + width, secondB);
            }
        }

        for (; channel < channels; channel++)
        {
            var numbers = ChannelVectors<T>.Same(table + channel, channels);
            T firstSum = T.Zero, secondSum = T.Zero;
            for (int row = 0; row < rows; row++)
            {
                Single<T, TElements, TOperation>(pointers, start + ((long)row * channels) + channel, numbers, ref firstSum, ref secondSum);
            }

            if (TOperation.Sums)
            {
                first[channel] += firstSum;
                second[channel] += secondSum;
            }
        }
    }

    // Contiguous: one channel's positions follow each other.
    private static void Plane<T, TElements, TOperation>(Pointers pointers, long start, long count, int channel, int channels, T* table, double[] sums)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TElements : IElements<T>
        where TOperation : IChannelOperation
    {
        int width = Vector<T>.Count;
        var numbers = ChannelVectors<T>.Same(table, channels);
        double firstSum = 0, secondSum = 0;
        long i = start, last = start + count - (2 * width);
        while (i <= last)
        {
            Vector<T> firstA = default, secondA = default, firstB = default, secondB = default;
            long end = Math.Min(last, i + ((Stretch - 1) * 2L * width));
            for (; i <= end; i += 2 * width)
            {
                Pair<T, TElements, TOperation>(pointers, i, numbers, numbers, ref firstA, ref secondA, ref firstB, ref secondB);
            }

            firstSum += double.CreateTruncating(Vector.Sum(firstA)) + double.CreateTruncating(Vector.Sum(firstB));
            secondSum += double.CreateTruncating(Vector.Sum(secondA)) + double.CreateTruncating(Vector.Sum(secondB));
        }

        for (; i < start + count; i++)
        {
            T first = T.Zero, second = T.Zero;
            Single<T, TElements, TOperation>(pointers, i, numbers, ref first, ref second);
            firstSum += double.CreateTruncating(first);
            secondSum += double.CreateTruncating(second);
        }

        if (TOperation.Sums)
        {
            sums[channel] += firstSum;
            sums[channels + channel] += secondSum;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pair<T, TElements, TOperation>(
        Pointers pointers, long index, in ChannelVectors<T> numbersA, in ChannelVectors<T> numbersB, ref Vector<T> firstA, ref Vector<T> secondA, ref Vector<T> firstB, ref Vector<T> secondB)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TElements : IElements<T>
        where TOperation : IChannelOperation
    {
        Vector<T> gradientA = default, gradientB = default, otherA = default, otherB = default;
        TElements.Load(pointers.X, index, out Vector<T> xA, out Vector<T> xB);
        if (TOperation.ReadsGradient)
        {
            TElements.Load(pointers.Gradient, index, out gradientA, out gradientB);
        }

        if (TOperation.ReadsOther)
        {
            TElements.Load(pointers.Other, index, out otherA, out otherB);
        }

        Vector<T> resultA = TOperation.Apply(xA, gradientA, otherA, numbersA, ref firstA, ref secondA);
        Vector<T> resultB = TOperation.Apply(xB, gradientB, otherB, numbersB, ref firstB, ref secondB);
        if (TOperation.Writes)
        {
            TElements.Store(pointers.Result, index, resultA, resultB);
        }
    }

    // What does not fill a pair of vectors: one element, in every place of a vector.
    private static void Single<T, TElements, TOperation>(Pointers pointers, long index, in ChannelVectors<T> numbers, ref T first, ref T second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TElements : IElements<T>
        where TOperation : IChannelOperation
    {
        Vector<T> firsts = default, seconds = default;
        Vector<T> gradient = TOperation.ReadsGradient ? new(TElements.Load(pointers.Gradient, index)) : default;
        Vector<T> other = TOperation.ReadsOther ? new(TElements.Load(pointers.Other, index)) : default;
        Vector<T> result = TOperation.Apply(new(TElements.Load(pointers.X, index)), gradient, other, numbers, ref firsts, ref seconds);
        first += firsts[0];
        second += seconds[0];
        if (TOperation.Writes)
        {
            TElements.Store(pointers.Result, index, result[0]);
        }
    }

    private readonly struct Pointers(byte* x, byte* gradient, byte* other, byte* result)
    {
        public readonly byte* X = x;
        public readonly byte* Gradient = gradient;
        public readonly byte* Other = other;
        public readonly byte* Result = result;
    }
}

/// <summary>The tensors of a <see cref="ChannelPass"/>: all of one type (float32, float64 or bfloat16) and in one <see cref="ChannelLayout"/>.</summary>
/// <param name="X">Batch norm's input.</param>
/// <param name="Gradient">The output's gradient; null where the operation reads none.</param>
/// <param name="Other">The third tensor; null where the operation reads none.</param>
/// <param name="Result">What the operation writes; null where it writes nothing.</param>
internal readonly record struct ChannelOperands(Tensor X, Tensor? Gradient = null, Tensor? Other = null, Tensor? Result = null);
