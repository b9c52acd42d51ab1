using System.Numerics;
using System.Runtime.CompilerServices;
using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;
using static TorchSharp.torch;

namespace Convoy.Torch.Normalization;

/// <summary>
/// Runs an <see cref="IChannelOperation"/> over tensors in one pass over memory. bfloat16 is computed in float32. Short stretches of sums are
/// added in float32 (float64 for float64 tensors), these in float64, so that the sums of parts on several ranks agree with the sum of the
/// whole to the type's rounding. The stretches depend on the shape alone, so the result does not change with the number of threads or the width of vectors.
/// </summary>
internal static unsafe class ChannelPass
{
    // Elements that one thread takes at a time.
    private const long ChunkElements = 1 << 17;

    // Rows that are added without going over to float64.
    private const int Stretch = 64;

    // Rows that are gone through together: numbers and sums are loaded and stored once for all of them.
    private const int RowsAtOnce = 4;

    // Positions of one channel that make a row where they follow each other: a multiple of every pair of vectors.
    private const int PlaneRow = 64;

    /// <param name="operands">The tensors.</param>
    /// <param name="layout">The layout of all of them.</param>
    /// <param name="constants">The channels' numbers; rounded to the type in which the pass computes.</param>
    /// <param name="threads">How many threads may work.</param>
    /// <param name="width">The width of vectors; null for the best.</param>
    /// <returns>The first sum of every channel, then the second of every channel; empty for an operation without sums.</returns>
    public static double[] Run<TOperation>(ChannelOperands operands, ChannelLayout layout, ChannelConstants constants, int threads, VectorWidth? width = null)
        where TOperation : IChannelOperation
    {
        double[] sums = new double[TOperation.Sums ? 2 * layout.Channels : 0];
        ElementKernels.Run(new Kernel<TOperation>(operands, layout, constants, threads, sums), operands.X.dtype, width ?? ElementKernels.For(layout.ChannelsLast ? layout.Channels : PlaneRow));
        return sums;
    }

    private static nint Address(Tensor? tensor) => tensor is null ? 0 : (nint)TensorMemory.Address(tensor);

    // Contiguous: one channel's positions follow each other. They are taken as rows of a channel's equals, whose sums are added up pairwise.
    private static void Planes<T, TLanes, TElements, TOperation>(Pointers pointers, long image, ChannelLayout layout, ChannelTable<T> table, double[] sums)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
        where TElements : ILaneElements<T, TLanes>
        where TOperation : IChannelOperation
    {
        long rows = layout.Positions / PlaneRow;
        int rest = (int)(layout.Positions % PlaneRow), channels = layout.Channels;
        using var numbers = new AlignedBuffer<T>(ChannelConstants.Count * PlaneRow, cleared: true);
        var equals = new ChannelTable<T>(numbers.Start, PlaneRow);
        Span<double> first = stackalloc double[PlaneRow], second = stackalloc double[PlaneRow];
        for (int channel = 0; channel < channels; channel++)
        {
            table.Spread(channel, equals);
            long start = ((image * channels) + channel) * layout.Positions;
            Rows<T, TLanes, TElements, TOperation>(pointers, start, rows, PlaneRow, equals, first, second);
            if (rest > 0)
            {
                Rows<T, TLanes, TElements, TOperation>(pointers, start + (rows * PlaneRow), 1, rest, equals, first, second);
            }

            if (TOperation.Sums)
            {
                sums[channel] += AddUp(first);
                sums[channels + channel] += AddUp(second);
            }
        }
    }

    private static double AddUp(Span<double> sums)
    {
        for (int half = PlaneRow / 2; half > 0; half /= 2)
        {
            for (int i = 0; i < half; i++)
            {
                sums[i] += sums[half + i];
            }
        }

        double sum = sums[0];
        sums.Clear();
        return sum;
    }

    // Rows that follow each other, whose elements have the numbers of a table; adds their sums.
    private static void Rows<T, TLanes, TElements, TOperation>(Pointers pointers, long start, long rows, int length, ChannelTable<T> table, Span<double> firstSums, Span<double> secondSums)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
        where TElements : ILaneElements<T, TLanes>
        where TOperation : IChannelOperation
    {
        int sums = TOperation.Sums ? 2 * length : 0;
        using var stretch = new AlignedBuffer<T>(sums, cleared: true);
        using var total = new AlignedBuffer<double>(sums, cleared: true);
        T* first = stretch.Start, second = first + length;
        for (long row = 0; row < rows; row += Stretch)
        {
            long end = Math.Min(rows, row + Stretch);
            for (long r = row; r < end; r += RowsAtOnce)
            {
                Few<T, TLanes, TElements, TOperation>(pointers, start + (r * length), length, (int)Math.Min(RowsAtOnce, end - r), table, first, second);
            }

            if (TOperation.Sums)
            {
                MoveOver(stretch, total);
            }
        }

        if (TOperation.Sums)
        {
            var order = ElementOrder.Of<T, TLanes, TElements>();
            for (int i = 0; i < length; i++)
            {
                int place = order.Place(i, length);
                firstSums[i] += total.Span[place];
                secondSums[i] += total.Span[length + place];
            }
        }
    }

    // Adds a stretch's sums to those in float64 and begins the next.
    private static void MoveOver<T>(AlignedBuffer<T> stretch, AlignedBuffer<double> total)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int i = 0;
        if (typeof(T) == typeof(float))
        {
            for (; i <= stretch.Count - Vector<float>.Count; i += Vector<float>.Count)
            {
                double* low = total.Start + i, high = low + Vector<double>.Count;
                Vector.Widen(Vector.Load((float*)stretch.Start + i), out Vector<double> first, out Vector<double> second);
                (Vector.Load(low) + first).Store(low);
                (Vector.Load(high) + second).Store(high);
            }
        }

        for (; i < stretch.Count; i++)
        {
            total.Start[i] += double.CreateTruncating(stretch.Start[i]);
        }

        stretch.Span.Clear();
    }

    // Memory is passed through from beginning to end, few rows at a time, with the sums in the nearest cache. (To keep a vector of channels in registers along many rows is a third as
    // fast: the processor does not fetch ahead then.) Not inlined: the compiler's budget for inlining is needed in here.
    private static void Few<T, TLanes, TElements, TOperation>(Pointers pointers, long start, int length, int rows, ChannelTable<T> table, T* first, T* second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
        where TElements : ILaneElements<T, TLanes>
        where TOperation : IChannelOperation
    {
        nint width = TLanes.Count, channel = 0;
        for (; channel <= length - (2 * width); channel += 2 * width)
        {
            var numbersA = ChannelVectors<T, TLanes>.Neighbours(table, channel);
            var numbersB = ChannelVectors<T, TLanes>.Neighbours(table, channel + width);
            TLanes firstA = default, secondA = default, firstB = default, secondB = default;
            if (TOperation.Sums)
            {
                (firstA, firstB) = (TLanes.Load(first + channel), TLanes.Load(first + channel + width));
                (secondA, secondB) = (TLanes.Load(second + channel), TLanes.Load(second + channel + width));
            }

            long index = start + channel;
            for (int row = 0; row < rows; row++, index += length)
            {
                Pair<T, TLanes, TElements, TOperation>(pointers, index, numbersA, numbersB, ref firstA, ref secondA, ref firstB, ref secondB);
            }

            if (TOperation.Sums)
            {
                TLanes.Store(firstA, first + channel);
                TLanes.Store(firstB, first + channel + width);
                TLanes.Store(secondA, second + channel);
                TLanes.Store(secondB, second + channel + width);
            }
        }

        for (; channel < length; channel++)
        {
            for (int row = 0; row < rows; row++)
            {
                Single<T, TLanes, TElements, TOperation>(pointers, start + ((long)row * length) + channel, table, channel, first, second);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pair<T, TLanes, TElements, TOperation>(
        Pointers pointers, long index, in ChannelVectors<T, TLanes> numbersA, in ChannelVectors<T, TLanes> numbersB, ref TLanes firstA, ref TLanes secondA, ref TLanes firstB, ref TLanes secondB)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
        where TElements : ILaneElements<T, TLanes>
        where TOperation : IChannelOperation
    {
        TLanes gradientA = default, gradientB = default, otherA = default, otherB = default;
        TElements.Load(pointers.X, index, out TLanes xA, out TLanes xB);
        if (TOperation.ReadsGradient)
        {
            TElements.Load(pointers.Gradient, index, out gradientA, out gradientB);
        }

        if (TOperation.ReadsOther)
        {
            TElements.Load(pointers.Other, index, out otherA, out otherB);
        }

        TLanes resultA = TOperation.Apply(xA, gradientA, otherA, numbersA, ref firstA, ref secondA);
        TLanes resultB = TOperation.Apply(xB, gradientB, otherB, numbersB, ref firstB, ref secondB);
        if (TOperation.Writes)
        {
            TElements.Store(pointers.Result, index, resultA, resultB);
        }
    }

    // What does not fill a pair of vectors: one element, in every place of a vector.
    private static void Single<T, TLanes, TElements, TOperation>(Pointers pointers, long index, ChannelTable<T> table, nint channel, T* first, T* second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
        where TElements : ILaneElements<T, TLanes>
        where TOperation : IChannelOperation
    {
        TLanes firsts = TOperation.Sums ? TLanes.Broadcast(first[channel]) : default, seconds = TOperation.Sums ? TLanes.Broadcast(second[channel]) : default;
        TLanes gradient = TOperation.ReadsGradient ? TLanes.Broadcast(TElements.Load(pointers.Gradient, index)) : default;
        TLanes other = TOperation.ReadsOther ? TLanes.Broadcast(TElements.Load(pointers.Other, index)) : default;
        TLanes result = TOperation.Apply(TLanes.Broadcast(TElements.Load(pointers.X, index)), gradient, other, ChannelVectors<T, TLanes>.Same(table, channel), ref firsts, ref seconds);
        if (TOperation.Sums)
        {
            first[channel] = TLanes.First(firsts);
            second[channel] = TLanes.First(seconds);
        }

        if (TOperation.Writes)
        {
            TElements.Store(pointers.Result, index, TLanes.First(result));
        }
    }

    private readonly struct Kernel<TOperation>(ChannelOperands operands, ChannelLayout layout, ChannelConstants constants, int threads, double[] total) : IElementKernel
        where TOperation : IChannelOperation
    {
        public void Run<T, TLanes, TElements>()
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where TLanes : unmanaged, ILanes<T, TLanes>
            where TElements : ILaneElements<T, TLanes>
        {
            var pointers = new Pointers((byte*)Address(operands.X), (byte*)Address(operands.Gradient), (byte*)Address(operands.Other), (byte*)Address(operands.Result));
            using AlignedBuffer<T> table = constants.Table<T>(layout.ChannelsLast ? ElementOrder.Of<T, TLanes, TElements>() : new ElementOrder(1));
            ChannelLayout shape = layout;
            int channels = layout.Channels;
            long rows = layout.ChannelsLast ? layout.Count : layout.Batch, rowsPerChunk = layout.ChannelsLast ? Math.Max(Stretch, ChunkElements / Math.Max(1, channels)) : 1;
            int chunks = (int)((rows + rowsPerChunk - 1) / rowsPerChunk);
            double[][] partial = new double[chunks][];
            var numbers = new ChannelTable<T>(table.Start, channels);
            Parallelism.Run(chunks, threads, chunk =>
            {
                double[] sums = partial[chunk] = new double[TOperation.Sums ? 2 * channels : 0];
                if (shape.ChannelsLast)
                {
                    long start = chunk * rowsPerChunk;
                    Rows<T, TLanes, TElements, TOperation>(
                        pointers, start * channels, Math.Min(rows, start + rowsPerChunk) - start, channels, numbers, sums.AsSpan(0, sums.Length / 2), sums.AsSpan(sums.Length / 2));
                }
                else
                {
                    Planes<T, TLanes, TElements, TOperation>(pointers, chunk, shape, numbers, sums);
                }
            });

            foreach (double[] sums in partial)
            {
                for (int i = 0; i < total.Length; i++)
                {
                    total[i] += sums[i];
                }
            }
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
