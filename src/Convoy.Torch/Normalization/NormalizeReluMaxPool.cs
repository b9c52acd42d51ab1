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
    /// <returns>
    /// [N, C, ceil(H / 2), ceil(W / 2)] each, channels last: the output, the input that was the greatest of each window, and its place in the window.
    /// </returns>
    public static (Tensor Output, Tensor Greatest, Tensor Places) Forward(Tensor x, ChannelConstants constants, int threads)
    {
        long[] shape = x.shape;
        Tensor Pooled() => empty([shape[0], PoolWindow.Count(shape[2]), PoolWindow.Count(shape[3]), shape[1]], x.dtype).permute(0, 3, 1, 2);
        Tensor output = Pooled(), greatest = Pooled(), places = Pooled();
        switch (x.dtype)
        {
            case ScalarType.Float64:
                Forward<double, NativeElements<double>>(x, constants, output, greatest, places, threads);
                break;
            case ScalarType.BFloat16:
                Forward<float, BFloat16Elements>(x, constants, output, greatest, places, threads);
                break;
            default:
                Forward<float, NativeElements<float>>(x, constants, output, greatest, places, threads);
                break;
        }

        return (output, greatest, places);
    }

    /// <summary>The gradient of the input.</summary>
    /// <param name="x">The input of the forward pass.</param>
    /// <param name="gradient">The output's gradient, in the places' layout and the input's type.</param>
    /// <param name="places">What the forward pass gave.</param>
    /// <param name="constants">All of the channels' numbers.</param>
    /// <param name="threads">How many threads may work.</param>
    public static Tensor Backward(Tensor x, Tensor gradient, Tensor places, ChannelConstants constants, int threads)
    {
        Tensor result = empty_like(x);
        switch (x.dtype)
        {
            case ScalarType.Float64:
                Backward<double, NativeElements<double>>(x, gradient, places, constants, result, threads);
                break;
            case ScalarType.BFloat16:
                Backward<float, BFloat16Elements>(x, gradient, places, constants, result, threads);
                break;
            default:
                Backward<float, NativeElements<float>>(x, gradient, places, constants, result, threads);
                break;
        }

        return result;
    }

    private static void Forward<T, TElements>(Tensor x, ChannelConstants constants, Tensor output, Tensor greatest, Tensor places, int threads)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TElements : IElements<T>
    {
        var size = new Extent(x);
        T[] table = constants.Table<T>();
        nint xs = (nint)TensorMemory.Address(x), outputs = (nint)TensorMemory.Address(output), greatests = (nint)TensorMemory.Address(greatest), place = (nint)TensorMemory.Address(places);
        Parallelism.Run((int)(size.Batch * size.PooledHeight), threads, piece =>
        {
            fixed (T* numbers = table)
            {
                ForwardRow<T, TElements>((byte*)xs, (byte*)outputs, (byte*)greatests, (byte*)place, size, piece / size.PooledHeight, piece % size.PooledHeight, numbers);
            }
        });
    }

    // One row of windows, in the order of memory.
    private static void ForwardRow<T, TElements>(byte* x, byte* output, byte* greatest, byte* places, Extent size, long image, long windowRow, T* table)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TElements : IElements<T>
    {
        int width = Vector<T>.Count, channels = size.Channels;
        (long firstRow, long endRow) = PoolWindow.Elements(windowRow, size.Height);
        Vector<T> none = new(T.CreateTruncating(PoolWindow.None));
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

            long target = size.PooledIndex(image, windowRow, windowColumn);
            for (int channel = 0; channel < channels;)
            {
                bool paired = channel <= channels - (2 * width);
                ChannelVectors<T> numbersA = paired ? ChannelVectors<T>.Neighbours(table + channel, channels) : ChannelVectors<T>.Same(table + channel, channels);
                ChannelVectors<T> numbersB = paired ? ChannelVectors<T>.Neighbours(table + channel + width, channels) : numbersA;
                Vector<T> bestA = new(T.NegativeInfinity), bestB = bestA, fromA = default, fromB = default, placeA = default, placeB = default;
                for (int tap = 0; tap < count; tap++)
                {
                    Load<T, TElements>(x, taps[tap].Start + channel, paired, out Vector<T> xA, out Vector<T> xB);
                    Vector<T> place = new(taps[tap].Place);
                    Keep(numbersA.Normalize(xA), xA, place, ref bestA, ref fromA, ref placeA);
                    Keep(numbersB.Normalize(xB), xB, place, ref bestB, ref fromB, ref placeB);
                }

                long at = target + channel;
                Store<T, TElements>(output, at, paired, ChannelVectors<T>.Relu(bestA), ChannelVectors<T>.Relu(bestB));
                Store<T, TElements>(greatest, at, paired, fromA, fromB);
                placeA = Vector.ConditionalSelect(Vector.LessThanOrEqual(bestA, Vector<T>.Zero), none, placeA);
                placeB = Vector.ConditionalSelect(Vector.LessThanOrEqual(bestB, Vector<T>.Zero), none, placeB);
                Store<T, TElements>(places, at, paired, placeA, placeB);
                channel += paired ? 2 * width : 1;
            }
        }
    }

    // The first of equal values stays; what is not a number wins.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep<T>(Vector<T> y, Vector<T> x, Vector<T> index, ref Vector<T> best, ref Vector<T> from, ref Vector<T> place)
        where T : unmanaged
    {
        Vector<T> stays = Vector.LessThanOrEqual(y, best);
        best = Vector.ConditionalSelect(stays, best, y);
        from = Vector.ConditionalSelect(stays, from, x);
        place = Vector.ConditionalSelect(stays, place, index);
    }

    private static void Backward<T, TElements>(Tensor x, Tensor gradient, Tensor places, ChannelConstants constants, Tensor result, int threads)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TElements : IElements<T>
    {
        var size = new Extent(x);
        T[] table = constants.Table<T>();
        nint xs = (nint)TensorMemory.Address(x), gradients = (nint)TensorMemory.Address(gradient), place = (nint)TensorMemory.Address(places), results = (nint)TensorMemory.Address(result);
        Parallelism.Run((int)(size.Batch * size.Height), threads, piece =>
        {
            fixed (T* numbers = table)
            {
                BackwardRow<T, TElements>((byte*)xs, (byte*)gradients, (byte*)place, (byte*)results, size, piece / size.Height, piece % size.Height, numbers);
            }
        });
    }

    // One row of inputs: each gathers the gradients of the one to four windows in which it was the greatest.
    private static void BackwardRow<T, TElements>(byte* x, byte* gradient, byte* places, byte* result, Extent size, long image, long row, T* table)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TElements : IElements<T>
    {
        int width = Vector<T>.Count, channels = size.Channels;
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

            long target = size.Index(image, row, column);
            for (int channel = 0; channel < channels;)
            {
                bool paired = channel <= channels - (2 * width);
                ChannelVectors<T> numbersA = paired ? ChannelVectors<T>.Neighbours(table + channel, channels) : ChannelVectors<T>.Same(table + channel, channels);
                ChannelVectors<T> numbersB = paired ? ChannelVectors<T>.Neighbours(table + channel + width, channels) : numbersA;
                Vector<T> sumA = default, sumB = default;
                for (int tap = 0; tap < count; tap++)
                {
                    Load<T, TElements>(gradient, taps[tap].Start + channel, paired, out Vector<T> gradientA, out Vector<T> gradientB);
                    Load<T, TElements>(places, taps[tap].Start + channel, paired, out Vector<T> placeA, out Vector<T> placeB);
                    Vector<T> place = new(taps[tap].Place);
                    sumA += Vector.ConditionalSelect(Vector.Equals(placeA, place), gradientA, Vector<T>.Zero);
                    sumB += Vector.ConditionalSelect(Vector.Equals(placeB, place), gradientB, Vector<T>.Zero);
                }

                Load<T, TElements>(x, target + channel, paired, out Vector<T> xA, out Vector<T> xB);
                Store<T, TElements>(result, target + channel, paired, numbersA.InputGradient(xA, sumA), numbersB.InputGradient(xB, sumB));
                channel += paired ? 2 * width : 1;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load<T, TElements>(byte* start, long index, bool paired, out Vector<T> first, out Vector<T> second)
        where T : unmanaged
        where TElements : IElements<T>
    {
        if (paired)
        {
            TElements.Load(start, index, out first, out second);
        }
        else
        {
            first = second = new Vector<T>(TElements.Load(start, index));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<T, TElements>(byte* start, long index, bool paired, Vector<T> first, Vector<T> second)
        where T : unmanaged
        where TElements : IElements<T>
    {
        if (paired)
        {
            TElements.Store(start, index, first, second);
        }
        else
        {
            TElements.Store(start, index, first[0]);
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
