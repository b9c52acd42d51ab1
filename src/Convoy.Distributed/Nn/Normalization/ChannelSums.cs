using System.Numerics;
using System.Runtime.CompilerServices;
using Convoy.Distributed.Interop;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn.Normalization;

/// <summary>
/// Sums over all elements of each channel, in one pass over memory. Short stretches are added in float32 (float64 for float64
/// tensors), these in float64, so that the sums of parts on several ranks agree with the sum of the whole to the type's rounding.
/// The stretches depend on the shape alone, so the result does not change with the number of threads.
/// </summary>
internal static unsafe class ChannelSums
{
    // Elements that one thread takes at a time.
    private const long ChunkElements = 1 << 17;

    // Rows (channels last) or pairs of vectors (otherwise) that are added without going over to float64.
    private const int Stretch = 64;

    /// <param name="x">The input: float32, float64 or bfloat16.</param>
    /// <param name="dy">The gradient, in the same type and layout; for <see cref="MomentTerms"/> the input again.</param>
    /// <param name="layout">The layout of both.</param>
    /// <param name="shift">One number a channel; it is rounded to the type in which the sums are formed.</param>
    /// <param name="threads">How many threads may work.</param>
    /// <returns>The first sum of every channel, then the second of every channel.</returns>
    public static double[] Compute<TTerms>(Tensor x, Tensor dy, ChannelLayout layout, double[] shift, int threads)
        where TTerms : IChannelTerms
    {
        byte* first = TensorMemory.Address(x), second = TensorMemory.Address(dy);
        return x.dtype switch
        {
            ScalarType.Float64 => Compute<double, NativeElements<double>, TTerms>(first, second, layout, shift, threads),
            ScalarType.BFloat16 => Compute<float, BFloat16Elements, TTerms>(first, second, layout, Array.ConvertAll(shift, value => (float)value), threads),
            _ => Compute<float, NativeElements<float>, TTerms>(first, second, layout, Array.ConvertAll(shift, value => (float)value), threads),
        };
    }

    private static double[] Compute<T, TElements, TTerms>(byte* x, byte* dy, ChannelLayout layout, T[] shift, int threads)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TElements : IElements<T>
        where TTerms : IChannelTerms
    {
        int channels = layout.Channels;
        nint first = (nint)x, second = (nint)dy; // Lambdas cannot hold pointers.
        long rowsPerChunk = layout.ChannelsLast ? Math.Max(Stretch, ChunkElements / Math.Max(1, channels)) : 1;
        long rows = layout.ChannelsLast ? layout.Count : layout.Batch;
        int chunks = (int)((rows + rowsPerChunk - 1) / rowsPerChunk);
        double[][] partial = new double[chunks][];
        Parallelism.Run(chunks, threads, chunk =>
        {
            double[] sums = new double[2 * channels];
            if (layout.ChannelsLast)
            {
                long start = chunk * rowsPerChunk;
                AddRows<T, TElements, TTerms>((byte*)first, (byte*)second, start, Math.Min(rows, start + rowsPerChunk), channels, shift, sums);
            }
            else
            {
                for (int channel = 0; channel < channels; channel++)
                {
                    long start = ((chunk * (long)channels) + channel) * layout.Positions;
                    AddPlane<T, TElements, TTerms>((byte*)first, (byte*)second, start, layout.Positions, shift[channel], ref sums[channel], ref sums[channels + channel]);
                }
            }

            partial[chunk] = sums;
        });

        double[] total = new double[2 * channels];
        foreach (double[] sums in partial)
        {
            for (int i = 0; i < total.Length; i++)
            {
                total[i] += sums[i];
            }
        }

        return total;
    }

    // Channels last: vectors of neighbouring channels stay in registers over a stretch of rows.
    private static void AddRows<T, TElements, TTerms>(byte* x, byte* dy, long firstRow, long endRow, int channels, T[] shift, double[] sums)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TElements : IElements<T>
        where TTerms : IChannelTerms
    {
        int width = Vector<T>.Count;
        fixed (T* shifts = shift)
        fixed (double* firstSums = sums)
        {
            double* secondSums = firstSums + channels;
            for (long row = firstRow; row < endRow; row += Stretch)
            {
                long end = Math.Min(endRow, row + Stretch) * channels;
                int channel = 0;
                for (; channel <= channels - (2 * width); channel += 2 * width)
                {
                    Vector<T> shiftA = Unsafe.ReadUnaligned<Vector<T>>(shifts + channel), shiftB = Unsafe.ReadUnaligned<Vector<T>>(shifts + channel + width);
                    Vector<T> firstA = default, secondA = default, firstB = default, secondB = default;
                    for (long i = (row * channels) + channel; i < end; i += channels)
                    {
                        TElements.Load(x, i, out Vector<T> xA, out Vector<T> xB);
                        TElements.Load(dy, i, out Vector<T> dyA, out Vector<T> dyB);
                        var (a1, a2) = TTerms.Of(xA, dyA, shiftA);
                        var (b1, b2) = TTerms.Of(xB, dyB, shiftB);
                        firstA += a1;
                        secondA += a2;
                        firstB += b1;
                        secondB += b2;
                    }

                    AddTo(firstSums + channel, firstA);
                    AddTo(firstSums + channel + width, firstB);
                    AddTo(secondSums + channel, secondA);
                    AddTo(secondSums + channel + width, secondB);
                }

                for (; channel < channels; channel++)
                {
                    T first = T.Zero, second = T.Zero;
                    for (long i = (row * channels) + channel; i < end; i += channels)
                    {
                        (T a, T b) = TTerms.Of(TElements.Load(x, i), TElements.Load(dy, i), shifts[channel]);
                        first += a;
                        second += b;
                    }

                    firstSums[channel] += double.CreateTruncating(first);
                    secondSums[channel] += double.CreateTruncating(second);
                }
            }
        }
    }

    // Contiguous: one channel's positions follow each other.
    private static void AddPlane<T, TElements, TTerms>(byte* x, byte* dy, long start, long count, T shift, ref double firstSum, ref double secondSum)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TElements : IElements<T>
        where TTerms : IChannelTerms
    {
        int width = Vector<T>.Count;
        var shifts = new Vector<T>(shift);
        long i = start, last = start + count - (2 * width);
        while (i <= last)
        {
            Vector<T> firstA = default, secondA = default, firstB = default, secondB = default;
            long end = Math.Min(last, i + ((Stretch - 1) * 2L * width));
            for (; i <= end; i += 2 * width)
            {
                TElements.Load(x, i, out Vector<T> xA, out Vector<T> xB);
                TElements.Load(dy, i, out Vector<T> dyA, out Vector<T> dyB);
                var (a1, a2) = TTerms.Of(xA, dyA, shifts);
                var (b1, b2) = TTerms.Of(xB, dyB, shifts);
                firstA += a1;
                secondA += a2;
                firstB += b1;
                secondB += b2;
            }

            firstSum += double.CreateTruncating(Vector.Sum(firstA)) + double.CreateTruncating(Vector.Sum(firstB));
            secondSum += double.CreateTruncating(Vector.Sum(secondA)) + double.CreateTruncating(Vector.Sum(secondB));
        }

        for (; i < start + count; i++)
        {
            (T first, T second) = TTerms.Of(TElements.Load(x, i), TElements.Load(dy, i), shift);
            firstSum += double.CreateTruncating(first);
            secondSum += double.CreateTruncating(second);
        }
    }

    private static void AddTo<T>(double* sums, Vector<T> values)
        where T : unmanaged
    {
        if (typeof(T) == typeof(double))
        {
            Unsafe.WriteUnaligned(sums, Unsafe.ReadUnaligned<Vector<double>>(sums) + Vector.AsVectorDouble(values));
            return;
        }

        Vector.Widen(Vector.AsVectorSingle(values), out Vector<double> low, out Vector<double> high);
        Unsafe.WriteUnaligned(sums, Unsafe.ReadUnaligned<Vector<double>>(sums) + low);
        double* upper = sums + Vector<double>.Count;
        Unsafe.WriteUnaligned(upper, Unsafe.ReadUnaligned<Vector<double>>(upper) + high);
    }
}
