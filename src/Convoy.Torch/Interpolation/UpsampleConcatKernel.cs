using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using Convoy.Torch.Kernels;
using static TorchSharp.torch;

namespace Convoy.Torch.Interpolation;

/// <summary>
/// The passes of <c>UpsampleConcat</c> over channels-last memory. Interpolation is separable: first along the rows, into one
/// float32 row that stays in the cache, its channels in the order of registers, then along the columns. Every piece writes a row of its own, so threads change nothing.
/// </summary>
internal static unsafe class UpsampleConcatKernel
{
    /// <param name="deep">[N, h, w, C].</param>
    /// <param name="skip">[N, H, W, D].</param>
    /// <param name="result">[N, H, W, C + D].</param>
    /// <param name="type">The elements' type: bfloat16 or float32.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="threads">How many threads may work.</param>
    /// <param name="width">The width of vectors; null for the best.</param>
    public static void Forward(byte* deep, byte* skip, byte* result, ScalarType type, UpsampleConcatShape shape, int threads, VectorWidth? width = null) =>
        ElementKernels.Run(new ForwardKernel((nint)deep, (nint)skip, (nint)result, shape, threads), type, width ?? ElementKernels.For(shape.DeepChannels));

    /// <param name="gradient">Of the result, [N, H, W, C + D].</param>
    /// <param name="deepGradient">Receives the gradient of the deep features, [N, h, w, C].</param>
    /// <param name="skipGradient">Receives the gradient of the skip features, [N, H, W, D].</param>
    /// <param name="type">The elements' type: bfloat16 or float32.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="threads">How many threads may work.</param>
    /// <param name="width">The width of vectors; null for the best.</param>
    public static void Backward(byte* gradient, byte* deepGradient, byte* skipGradient, ScalarType type, UpsampleConcatShape shape, int threads, VectorWidth? width = null) =>
        ElementKernels.Run(new BackwardKernel((nint)gradient, (nint)deepGradient, (nint)skipGradient, shape, threads), type, width ?? ElementKernels.For(shape.DeepChannels));

    private static void ForwardRow<T, TLanes, TElements>(byte* deep, byte* skip, byte* result, UpsampleConcatShape shape, int image, int y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
        where TElements : ILaneElements<T, TLanes>
    {
        int channels = shape.DeepChannels, length = shape.DeepWidth * channels, skipBytes = shape.SkipChannels * TElements.Bytes;
        T[] buffer = ArrayPool<T>.Shared.Rent(length);
        fixed (T* row = buffer)
        {
            long first = (((long)image * shape.DeepHeight) + shape.Rows.First[y]) * length, second = (((long)image * shape.DeepHeight) + shape.Rows.Second[y]) * length;
            T weight = T.CreateTruncating(shape.Rows.SecondWeight[y]);
            for (int x = 0; x < length; x += channels)
            {
                BlendRows<T, TLanes, TElements>(deep, first + x, second + x, weight, row + x, channels);
            }

            long pixel = (((long)image * shape.Height) + y) * shape.Width;
            for (int x = 0; x < shape.Width; x++, pixel++)
            {
                long start = pixel * shape.Channels;
                BlendPixels<T, TLanes, TElements>(
                    row + (shape.Columns.First[x] * channels), row + (shape.Columns.Second[x] * channels), T.CreateTruncating(shape.Columns.SecondWeight[x]), result, start, channels);
                Unsafe.CopyBlockUnaligned(result + ((start + channels) * TElements.Bytes), skip + (pixel * skipBytes), (uint)skipBytes);
            }
        }

        ArrayPool<T>.Shared.Return(buffer);
    }

    // One pixel's channels, from the rows before and after it.
    private static void BlendRows<T, TLanes, TElements>(byte* deep, long first, long second, T secondWeight, T* pixel, int channels)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
        where TElements : ILaneElements<T, TLanes>
    {
        int i = 0, width = TLanes.Count;
        TLanes before = TLanes.Broadcast(T.One - secondWeight), after = TLanes.Broadcast(secondWeight);
        for (; i <= channels - (2 * width); i += 2 * width)
        {
            TElements.Load(deep, first + i, out TLanes a, out TLanes b);
            TElements.Load(deep, second + i, out TLanes c, out TLanes d);
            TLanes.Store(TLanes.MultiplyAdd(c, after, a * before), pixel + i);
            TLanes.Store(TLanes.MultiplyAdd(d, after, b * before), pixel + i + width);
        }

        for (; i < channels; i++)
        {
            pixel[i] = T.MultiplyAddEstimate(TElements.Load(deep, second + i), secondWeight, TElements.Load(deep, first + i) * (T.One - secondWeight));
        }
    }

    private static void BlendPixels<T, TLanes, TElements>(T* first, T* second, T secondWeight, byte* result, long start, int channels)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
        where TElements : ILaneElements<T, TLanes>
    {
        int i = 0, width = TLanes.Count;
        TLanes before = TLanes.Broadcast(T.One - secondWeight), after = TLanes.Broadcast(secondWeight);
        for (; i <= channels - (2 * width); i += 2 * width)
        {
            TElements.Store(
                result,
                start + i,
                TLanes.MultiplyAdd(TLanes.Load(second + i), after, TLanes.Load(first + i) * before),
                TLanes.MultiplyAdd(TLanes.Load(second + i + width), after, TLanes.Load(first + i + width) * before));
        }

        for (; i < channels; i++)
        {
            TElements.Store(result, start + i, T.MultiplyAddEstimate(second[i], secondWeight, first[i] * (T.One - secondWeight)));
        }
    }

    private static void BackwardRow<T, TLanes, TElements>(byte* gradient, byte* deepGradient, UpsampleConcatShape shape, int image, int deepY)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
        where TElements : ILaneElements<T, TLanes>
    {
        int channels = shape.DeepChannels, length = shape.Width * channels;
        long rowElements = (long)shape.Width * shape.Channels;
        T[] buffer = ArrayPool<T>.Shared.Rent(length);
        fixed (T* row = buffer)
        {
            ReadOnlySpan<float> rowWeights = shape.Rows.OutputWeights(deepY);
            long first = (((long)image * shape.Height) + shape.Rows.FirstOutput(deepY)) * rowElements;
            for (int x = 0; x < shape.Width; x++)
            {
                GatherRows<T, TLanes, TElements>(gradient, first + ((long)x * shape.Channels), rowElements, rowWeights, row + (x * channels), channels);
            }

            long pixel = (((long)image * shape.DeepHeight) + deepY) * shape.DeepWidth;
            for (int x = 0; x < shape.DeepWidth; x++, pixel++)
            {
                GatherPixels<T, TLanes, TElements>(row + (shape.Columns.FirstOutput(x) * channels), shape.Columns.OutputWeights(x), deepGradient, pixel * channels, channels);
            }
        }

        ArrayPool<T>.Shared.Return(buffer);
    }

    // The rows of the skip features' gradient that lie beside a row of the deep features, while they are in the cache. A view of them would be cheaper, but libtorch takes three times as long to add
    // another branch's gradient to it, and does not add in place.
    private static void CopySkipRows(byte* gradient, byte* skipGradient, UpsampleConcatShape shape, int image, int deepY, int elementBytes)
    {
        int first = deepY * shape.Height / shape.DeepHeight, end = (deepY + 1) * shape.Height / shape.DeepHeight;
        long bytes = (long)shape.SkipChannels * elementBytes, pixelBytes = (long)shape.Channels * elementBytes, pixels = (long)(end - first) * shape.Width;
        long firstPixel = (((long)image * shape.Height) + first) * shape.Width;
        byte* from = gradient + (firstPixel * pixelBytes) + (shape.DeepChannels * elementBytes), to = skipGradient + (firstPixel * bytes);
        for (long pixel = 0; pixel < pixels; pixel++, from += pixelBytes, to += bytes)
        {
            Unsafe.CopyBlockUnaligned(to, from, (uint)bytes);
        }
    }

    private static void GatherRows<T, TLanes, TElements>(byte* gradient, long first, long rowElements, ReadOnlySpan<float> weights, T* row, int channels)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
        where TElements : ILaneElements<T, TLanes>
    {
        int i = 0, width = TLanes.Count;
        for (; i <= channels - (2 * width); i += 2 * width)
        {
            TLanes a = default, b = default;
            long at = first + i;
            foreach (float weight in weights)
            {
                TElements.Load(gradient, at, out TLanes c, out TLanes d);
                TLanes factor = TLanes.Broadcast(T.CreateTruncating(weight));
                a = TLanes.MultiplyAdd(c, factor, a);
                b = TLanes.MultiplyAdd(d, factor, b);
                at += rowElements;
            }

            TLanes.Store(a, row + i);
            TLanes.Store(b, row + i + width);
        }

        for (; i < channels; i++)
        {
            T sum = T.Zero;
            for (int k = 0; k < weights.Length; k++)
            {
                sum = T.MultiplyAddEstimate(TElements.Load(gradient, first + i + (k * rowElements)), T.CreateTruncating(weights[k]), sum);
            }

            row[i] = sum;
        }
    }

    private static void GatherPixels<T, TLanes, TElements>(T* first, ReadOnlySpan<float> weights, byte* result, long start, int channels)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
        where TElements : ILaneElements<T, TLanes>
    {
        int i = 0, width = TLanes.Count;
        for (; i <= channels - (2 * width); i += 2 * width)
        {
            TLanes a = default, b = default;
            T* at = first + i;
            foreach (float weight in weights)
            {
                TLanes factor = TLanes.Broadcast(T.CreateTruncating(weight));
                a = TLanes.MultiplyAdd(TLanes.Load(at), factor, a);
                b = TLanes.MultiplyAdd(TLanes.Load(at + width), factor, b);
                at += channels;
            }

            TElements.Store(result, start + i, a, b);
        }

        for (; i < channels; i++)
        {
            T sum = T.Zero;
            for (int k = 0; k < weights.Length; k++)
            {
                sum = T.MultiplyAddEstimate(first[i + (k * channels)], T.CreateTruncating(weights[k]), sum);
            }

            TElements.Store(result, start + i, sum);
        }
    }

    private readonly struct ForwardKernel(nint deep, nint skip, nint result, UpsampleConcatShape shape, int threads) : IElementKernel
    {
        public void Run<T, TLanes, TElements>()
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where TLanes : unmanaged, ILanes<T, TLanes>
            where TElements : ILaneElements<T, TLanes>
        {
            (nint from, nint beside, nint to, UpsampleConcatShape sizes) = (deep, skip, result, shape);
            Parallelism.Run(
                sizes.Batch * sizes.Height,
                threads,
                piece => ForwardRow<T, TLanes, TElements>((byte*)from, (byte*)beside, (byte*)to, sizes, piece / sizes.Height, piece % sizes.Height));
        }
    }

    private readonly struct BackwardKernel(nint gradient, nint deepGradient, nint skipGradient, UpsampleConcatShape shape, int threads) : IElementKernel
    {
        public void Run<T, TLanes, TElements>()
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where TLanes : unmanaged, ILanes<T, TLanes>
            where TElements : ILaneElements<T, TLanes>
        {
            (nint from, nint to, nint beside, UpsampleConcatShape sizes) = (gradient, deepGradient, skipGradient, shape);
            Parallelism.Run(
                sizes.Batch * sizes.DeepHeight,
                threads,
                piece =>
                {
                    BackwardRow<T, TLanes, TElements>((byte*)from, (byte*)to, sizes, piece / sizes.DeepHeight, piece % sizes.DeepHeight);
                    CopySkipRows((byte*)from, (byte*)beside, sizes, piece / sizes.DeepHeight, piece % sizes.DeepHeight, TElements.Bytes);
                });
        }
    }
}

/// <summary>The sizes of <c>UpsampleConcat</c>'s tensors.</summary>
internal sealed class UpsampleConcatShape
{
    /// <param name="deep">[N, C, h, w].</param>
    /// <param name="skip">[N, D, H, W].</param>
    public UpsampleConcatShape(long[] deep, long[] skip)
    {
        Batch = (int)deep[0];
        (DeepChannels, SkipChannels) = ((int)deep[1], (int)skip[1]);
        Rows = new BilinearTaps((int)deep[2], (int)skip[2]);
        Columns = new BilinearTaps((int)deep[3], (int)skip[3]);
    }

    /// <summary>N.</summary>
    public int Batch { get; }

    /// <summary>C, the channels that are interpolated.</summary>
    public int DeepChannels { get; }

    /// <summary>D, the channels that are copied.</summary>
    public int SkipChannels { get; }

    /// <summary>C + D.</summary>
    public int Channels => DeepChannels + SkipChannels;

    /// <summary>From h rows to H.</summary>
    public BilinearTaps Rows { get; }

    /// <summary>From w columns to W.</summary>
    public BilinearTaps Columns { get; }

    /// <summary>h.</summary>
    public int DeepHeight => Rows.Source;

    /// <summary>w.</summary>
    public int DeepWidth => Columns.Source;

    /// <summary>H.</summary>
    public int Height => Rows.Size;

    /// <summary>W.</summary>
    public int Width => Columns.Size;
}
