using System.Numerics;
using System.Runtime.CompilerServices;
using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;
using static TorchSharp.torch;

namespace Convoy.Torch.Normalization;

/// <summary>
/// Batch norm, ReLU and the max-pool of <see cref="PoolWindow"/> over channels-last tensors: the large tensor between them is never written.
/// </summary>
internal static unsafe class NormalizeReluMaxPool
{
    /// <param name="x">[N, C, H, W] in channels-last order; float32, float64 or bfloat16.</param>
    /// <param name="constants">The channels' mean, scale and bias.</param>
    /// <param name="threads">How many threads may work.</param>
    /// <param name="width">The width of vectors; null for the best.</param>
    /// <returns>
    /// [N, C, ceil(H / 2), ceil(W / 2)] each, channels last: the output, the input that was the greatest of each window, and its place in the window.
    /// </returns>
    public static (Tensor Output, Tensor Greatest, Tensor Places) Forward(Tensor x, ChannelConstants constants, int threads, VectorWidth? width = null)
    {
        long[] shape = x.shape;
        Tensor Pooled() => empty([shape[0], PoolWindow.Count(shape[2]), PoolWindow.Count(shape[3]), shape[1]], x.dtype).permute(0, 3, 1, 2);
        Tensor output = Pooled(), greatest = Pooled(), places = Pooled();
        ElementKernels.Run(new ForwardKernel(x, constants, output, greatest, places, threads), x.dtype, width ?? ElementKernels.For(shape[1]));
        return (output, greatest, places);
    }

    /// <summary>The gradient of the input.</summary>
    /// <param name="x">The input of the forward pass.</param>
    /// <param name="gradient">The output's gradient, in the places' layout and the input's type.</param>
    /// <param name="places">What the forward pass gave.</param>
    /// <param name="constants">All of the channels' numbers.</param>
    /// <param name="threads">How many threads may work.</param>
    /// <param name="width">The width of vectors; null for the best.</param>
    public static Tensor Backward(Tensor x, Tensor gradient, Tensor places, ChannelConstants constants, int threads, VectorWidth? width = null)
    {
        Tensor result = empty_like(x);
        ElementKernels.Run(new BackwardKernel(x, gradient, places, constants, result, threads), x.dtype, width ?? ElementKernels.For(x.shape[1]));
        return result;
    }

    // One row of windows, in the order of memory.
    private static void ForwardRow<T, TLanes, TElements>(byte* x, byte* output, byte* greatest, byte* places, Extent size, long image, long windowRow, ChannelTable<T> table)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
        where TElements : ILaneElements<T, TLanes>
    {
        (long firstRow, long endRow) = PoolWindow.Elements(windowRow, size.Height);
        Tap<T>* taps = stackalloc Tap<T>[PoolWindow.None];
        for (long windowColumn = 0; windowColumn < size.PooledWidth; windowColumn++)
        {
            (long firstColumn, long endColumn) = PoolWindow.Elements(windowColumn, size.Width);
            int count = 0;
            for (long row = firstRow; row < endRow; row++)
            {
                for (long column = firstColumn; column < endColumn; column++)
                {
                    taps[count++] = new Tap<T>(size.Index(image, row, column), PoolWindow.Index(PoolWindow.Place(windowRow, row), PoolWindow.Place(windowColumn, column)));
                }
            }

            Window<T, TLanes, TElements>(x, output, greatest, places, size.PooledIndex(image, windowRow, windowColumn), size.Channels, taps, count, table);
        }
    }

    // All channels of one window.
    private static void Window<T, TLanes, TElements>(byte* x, byte* output, byte* greatest, byte* places, long target, int channels, Tap<T>* taps, int count, ChannelTable<T> table)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
        where TElements : ILaneElements<T, TLanes>
    {
        nint width = TLanes.Count, channel = 0;
        for (; channel <= channels - (2 * width); channel += 2 * width)
        {
            ChannelVectors<T, TLanes> numbersA = ChannelVectors<T, TLanes>.Neighbours(table, channel), numbersB = ChannelVectors<T, TLanes>.Neighbours(table, channel + width);
            TLanes bestA = TLanes.Broadcast(T.NegativeInfinity), bestB = bestA, fromA = default, fromB = default, placeA = default, placeB = default;
            for (int tap = 0; tap < count; tap++)
            {
                TElements.Load(x, taps[tap].Start + channel, out TLanes xA, out TLanes xB);
                TLanes place = TLanes.Broadcast(taps[tap].Place);
                TLanes.KeepGreatest(numbersA.Normalize(xA), xA, place, ref bestA, ref fromA, ref placeA);
                TLanes.KeepGreatest(numbersB.Normalize(xB), xB, place, ref bestB, ref fromB, ref placeB);
            }

            TElements.Store(output, target + channel, ChannelVectors<T, TLanes>.Relu(bestA), ChannelVectors<T, TLanes>.Relu(bestB));
            TElements.Store(greatest, target + channel, fromA, fromB);
            TElements.Store(places, target + channel, PlaceOf<T, TLanes>(bestA, placeA), PlaceOf<T, TLanes>(bestB, placeB));
        }

        for (; channel < channels; channel++)
        {
            var numbers = ChannelVectors<T, TLanes>.Same(table, channel);
            TLanes best = TLanes.Broadcast(T.NegativeInfinity), from = default, place = default;
            for (int tap = 0; tap < count; tap++)
            {
                TLanes value = TLanes.Broadcast(TElements.Load(x, taps[tap].Start + channel));
                TLanes.KeepGreatest(numbers.Normalize(value), value, TLanes.Broadcast(taps[tap].Place), ref best, ref from, ref place);
            }

            TElements.Store(output, target + channel, TLanes.First(ChannelVectors<T, TLanes>.Relu(best)));
            TElements.Store(greatest, target + channel, TLanes.First(from));
            TElements.Store(places, target + channel, TLanes.First(PlaceOf<T, TLanes>(best, place)));
        }
    }

    // None where ReLU cuts.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes PlaceOf<T, TLanes>(TLanes best, TLanes place)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
    {
        TLanes none = TLanes.Broadcast(T.CreateTruncating(PoolWindow.None));
        return none + TLanes.WhereAboveZero(best, place - none);
    }

    // One row of inputs: each gathers the gradients of the one to four windows in which it was the greatest.
    private static void BackwardRow<T, TLanes, TElements>(byte* x, byte* gradient, byte* places, byte* result, Extent size, long image, long row, ChannelTable<T> table)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
        where TElements : ILaneElements<T, TLanes>
    {
        (long firstWindowRow, long endWindowRow) = PoolWindow.WindowsOf(row, size.Height);
        Tap<T>* taps = stackalloc Tap<T>[4];
        for (long column = 0; column < size.Width; column++)
        {
            (long firstWindowColumn, long endWindowColumn) = PoolWindow.WindowsOf(column, size.Width);
            int count = 0;
            for (long windowRow = firstWindowRow; windowRow < endWindowRow; windowRow++)
            {
                for (long windowColumn = firstWindowColumn; windowColumn < endWindowColumn; windowColumn++)
                {
                    taps[count++] = new Tap<T>(
                        size.PooledIndex(image, windowRow, windowColumn),
                        PoolWindow.Index(PoolWindow.Place(windowRow, row), PoolWindow.Place(windowColumn, column)));
                }
            }

            Gather<T, TLanes, TElements>(x, gradient, places, result, size.Index(image, row, column), size.Channels, taps, count, table);
        }
    }

    // All channels of one input.
    private static void Gather<T, TLanes, TElements>(byte* x, byte* gradient, byte* places, byte* result, long target, int channels, Tap<T>* taps, int count, ChannelTable<T> table)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
        where TElements : ILaneElements<T, TLanes>
    {
        nint width = TLanes.Count, channel = 0;
        for (; channel <= channels - (2 * width); channel += 2 * width)
        {
            TLanes sumA = default, sumB = default;
            for (int tap = 0; tap < count; tap++)
            {
                TElements.Load(gradient, taps[tap].Start + channel, out TLanes gradientA, out TLanes gradientB);
                TElements.Load(places, taps[tap].Start + channel, out TLanes placeA, out TLanes placeB);
                TLanes place = TLanes.Broadcast(taps[tap].Place);
                sumA += TLanes.WhereEqual(placeA, place, gradientA, default);
                sumB += TLanes.WhereEqual(placeB, place, gradientB, default);
            }

            TElements.Load(x, target + channel, out TLanes xA, out TLanes xB);
            TElements.Store(
                result,
                target + channel,
                ChannelVectors<T, TLanes>.Neighbours(table, channel).InputGradient(xA, sumA),
                ChannelVectors<T, TLanes>.Neighbours(table, channel + width).InputGradient(xB, sumB));
        }

        for (; channel < channels; channel++)
        {
            T sum = T.Zero;
            for (int tap = 0; tap < count; tap++)
            {
                sum += TElements.Load(places, taps[tap].Start + channel) == taps[tap].Place ? TElements.Load(gradient, taps[tap].Start + channel) : T.Zero;
            }

            TLanes value = TLanes.Broadcast(TElements.Load(x, target + channel));
            TElements.Store(result, target + channel, TLanes.First(ChannelVectors<T, TLanes>.Same(table, channel).InputGradient(value, TLanes.Broadcast(sum))));
        }
    }

    private readonly struct ForwardKernel(Tensor x, ChannelConstants constants, Tensor output, Tensor greatest, Tensor places, int threads) : IElementKernel
    {
        public void Run<T, TLanes, TElements>()
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where TLanes : unmanaged, ILanes<T, TLanes>
            where TElements : ILaneElements<T, TLanes>
        {
            var size = new Extent(x);
            using AlignedBuffer<T> table = constants.Table<T>(ElementOrder.Of<T, TLanes, TElements>());
            nint xs = (nint)TensorMemory.Address(x), outputs = (nint)TensorMemory.Address(output), greatests = (nint)TensorMemory.Address(greatest), place = (nint)TensorMemory.Address(places);
            var numbers = new ChannelTable<T>(table.Start, size.Channels);
            Parallelism.Run((int)(size.Batch * size.PooledHeight), threads, piece =>
                ForwardRow<T, TLanes, TElements>(
                    (byte*)xs, (byte*)outputs, (byte*)greatests, (byte*)place, size, piece / size.PooledHeight, piece % size.PooledHeight, numbers));
        }
    }

    private readonly struct BackwardKernel(Tensor x, Tensor gradient, Tensor places, ChannelConstants constants, Tensor result, int threads) : IElementKernel
    {
        public void Run<T, TLanes, TElements>()
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where TLanes : unmanaged, ILanes<T, TLanes>
            where TElements : ILaneElements<T, TLanes>
        {
            var size = new Extent(x);
            using AlignedBuffer<T> table = constants.Table<T>(ElementOrder.Of<T, TLanes, TElements>());
            nint xs = (nint)TensorMemory.Address(x), gradients = (nint)TensorMemory.Address(gradient), place = (nint)TensorMemory.Address(places), results = (nint)TensorMemory.Address(result);
            var numbers = new ChannelTable<T>(table.Start, size.Channels);
            Parallelism.Run((int)(size.Batch * size.Height), threads, piece =>
                BackwardRow<T, TLanes, TElements>(
                    (byte*)xs, (byte*)gradients, (byte*)place, (byte*)results, size, piece / size.Height, piece % size.Height, numbers));
        }
    }

    // An element of a window, or a window of an element: where its channels begin, and its place.
    private readonly struct Tap<T>(long start, int place)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        public readonly long Start = start;
        public readonly T Place = T.CreateTruncating(place);
    }

    private readonly struct Extent(Tensor x)
    {
        public readonly long Batch = x.shape[0];
        public readonly int Channels = (int)x.shape[1];
        public readonly long Height = x.shape[2];
        public readonly long Width = x.shape[3];

        public long PooledHeight => PoolWindow.Count(Height);

        public long PooledWidth => PoolWindow.Count(Width);

        public long Index(long image, long row, long column) => ((((image * Height) + row) * Width) + column) * Channels;

        public long PooledIndex(long image, long row, long column) => ((((image * PooledHeight) + row) * PooledWidth) + column) * Channels;
    }
}

/// <summary>
/// The windows of the max-pool in a ResNet's first layers: 3x3, stride 2, padding 1. Which of its nine elements was the greatest is written
/// as a number that every element type holds exactly: 3 x row + column, or <see cref="None"/>.
/// </summary>
internal static class PoolWindow
{
    /// <summary>No element: the greatest was not above 0, so ReLU lets no gradient through.</summary>
    public const int None = 9;

    private const int Size = 3;

    /// <summary>How many windows cover a side of <paramref name="length"/> elements.</summary>
    public static long Count(long length) => (length + 1) / 2;

    /// <summary>The elements of a window, the first and the one behind the last of those inside the side.</summary>
    public static (long First, long End) Elements(long window, long length) => (Math.Max(0, (2 * window) - 1), Math.Min(length, (2 * window) + 2));

    /// <summary>Which of the window's three places <paramref name="element"/> is.</summary>
    public static int Place(long window, long element) => (int)(element - (2 * window) + 1);

    /// <summary>The place of an element in the window, from its row's and its column's.</summary>
    public static int Index(int row, int column) => (Size * row) + column;

    /// <summary>The windows that an element lies in: one or two.</summary>
    public static (long First, long End) WindowsOf(long element, long length) => (element / 2, Math.Min(Count(length), ((element + 1) / 2) + 1));
}
