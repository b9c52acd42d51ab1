using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Distributed.Nn;

/// <summary>
/// Sums over all elements of each channel, in one pass over memory. Short stretches are added in float32, these in float64, so
/// that the sums of parts on several ranks agree with the sum of the whole to float32's rounding. The stretches depend on the
/// shape alone, so the result does not change with the number of threads.
/// </summary>
internal static unsafe class ChannelSums
{
    // Elements that one thread takes at a time.
    private const long ChunkElements = 1 << 17;

    // Rows (channels last) or vectors (otherwise) that are added in float32.
    private const int Stretch = 64;

    /// <param name="x">The input.</param>
    /// <param name="dy">The gradient, in the same layout; for <see cref="MomentTerms"/> the input again.</param>
    /// <param name="layout">The layout of both.</param>
    /// <param name="shift">One number a channel.</param>
    /// <param name="threads">How many threads may work.</param>
    /// <returns>The first sum of every channel, then the second of every channel.</returns>
    public static double[] Compute<TTerms>(float* x, float* dy, ChannelLayout layout, float[] shift, int threads)
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
                long start = chunk * rowsPerChunk, end = Math.Min(rows, start + rowsPerChunk);
                AddRows<TTerms>((float*)first + (start * channels), (float*)second + (start * channels), end - start, channels, shift, sums);
            }
            else
            {
                for (int channel = 0; channel < channels; channel++)
                {
                    long offset = ((chunk * channels) + channel) * layout.Positions;
                    AddPlane<TTerms>((float*)first + offset, (float*)second + offset, layout.Positions, shift[channel], ref sums[channel], ref sums[channels + channel]);
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
    private static void AddRows<TTerms>(float* x, float* dy, long rows, int channels, float[] shift, double[] sums)
        where TTerms : IChannelTerms
    {
        int width = Vector<float>.Count;
        fixed (float* shifts = shift)
        fixed (double* firstSums = sums)
        {
            double* secondSums = firstSums + channels;
            for (long row = 0; row < rows; row += Stretch)
            {
                long end = Math.Min(rows, row + Stretch);
                int channel = 0;
                for (; channel <= channels - (2 * width); channel += 2 * width)
                {
                    Vector<float> shiftA = Unsafe.ReadUnaligned<Vector<float>>(shifts + channel), shiftB = Unsafe.ReadUnaligned<Vector<float>>(shifts + channel + width);
                    Vector<float> firstA = default, secondA = default, firstB = default, secondB = default;
                    for (long i = (row * channels) + channel; i < end * channels; i += channels)
                    {
                        var (a1, a2) = TTerms.Of(Unsafe.ReadUnaligned<Vector<float>>(x + i), Unsafe.ReadUnaligned<Vector<float>>(dy + i), shiftA);
                        var (b1, b2) = TTerms.Of(Unsafe.ReadUnaligned<Vector<float>>(x + i + width), Unsafe.ReadUnaligned<Vector<float>>(dy + i + width), shiftB);
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
                    float first = 0, second = 0;
                    for (long i = (row * channels) + channel; i < end * channels; i += channels)
                    {
                        (float a, float b) = TTerms.Of(x[i], dy[i], shifts[channel]);
                        first += a;
                        second += b;
                    }

                    firstSums[channel] += first;
                    secondSums[channel] += second;
                }
            }
        }
    }

    // Contiguous: one channel's positions follow each other.
    private static void AddPlane<TTerms>(float* x, float* dy, long count, float shift, ref double firstSum, ref double secondSum)
        where TTerms : IChannelTerms
    {
        int width = Vector<float>.Count;
        var shifts = new Vector<float>(shift);
        long i = 0;
        while (i <= count - (2 * width))
        {
            Vector<float> firstA = default, secondA = default, firstB = default, secondB = default;
            long end = Math.Min(count - (2 * width), i + (Stretch * 2L * width));
            for (; i <= end; i += 2 * width)
            {
                var (a1, a2) = TTerms.Of(Unsafe.ReadUnaligned<Vector<float>>(x + i), Unsafe.ReadUnaligned<Vector<float>>(dy + i), shifts);
                var (b1, b2) = TTerms.Of(Unsafe.ReadUnaligned<Vector<float>>(x + i + width), Unsafe.ReadUnaligned<Vector<float>>(dy + i + width), shifts);
                firstA += a1;
                secondA += a2;
                firstB += b1;
                secondB += b2;
            }

            firstSum += Vector.Sum(firstA) + (double)Vector.Sum(firstB);
            secondSum += Vector.Sum(secondA) + (double)Vector.Sum(secondB);
        }

        for (; i < count; i++)
        {
            (float first, float second) = TTerms.Of(x[i], dy[i], shift);
            firstSum += first;
            secondSum += second;
        }
    }

    private static void AddTo(double* sums, Vector<float> values)
    {
        Vector.Widen(values, out Vector<double> low, out Vector<double> high);
        Unsafe.WriteUnaligned(sums, Unsafe.ReadUnaligned<Vector<double>>(sums) + low);
        double* upper = sums + Vector<double>.Count;
        Unsafe.WriteUnaligned(upper, Unsafe.ReadUnaligned<Vector<double>>(upper) + high);
    }
}
