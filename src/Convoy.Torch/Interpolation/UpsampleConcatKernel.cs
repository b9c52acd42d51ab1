using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using Convoy.Torch.Kernels;

namespace Convoy.Torch.Interpolation;

/// <summary>
/// The passes of <c>UpsampleConcat</c> over channels-last memory. Interpolation is separable: first along the rows, into one
/// float32 row that stays in the cache, then along the columns. Every piece writes a row of its own, so threads change nothing.
/// </summary>
/// <typeparam name="TElements">How elements are read and written.</typeparam>
internal static unsafe class UpsampleConcatKernel<TElements>
    where TElements : IElements<float>
{
    /// <param name="deep">[N, h, w, C].</param>
    /// <param name="skip">[N, H, W, D].</param>
    /// <param name="result">[N, H, W, C + D].</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="threads">How many threads may work.</param>
    public static void Forward(byte* deep, byte* skip, byte* result, UpsampleConcatShape shape, int threads)
    {
        nint from = (nint)deep, beside = (nint)skip, to = (nint)result; // Lambdas cannot hold pointers.
        Parallelism.Run(shape.Batch * shape.Height, threads, piece => ForwardRow((byte*)from, (byte*)beside, (byte*)to, shape, piece / shape.Height, piece % shape.Height));
    }

    /// <param name="gradient">Of the result, [N, H, W, C + D].</param>
    /// <param name="deepGradient">Receives the gradient of the deep features, [N, h, w, C].</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="threads">How many threads may work.</param>
    public static void Backward(byte* gradient, byte* deepGradient, UpsampleConcatShape shape, int threads)
    {
        nint from = (nint)gradient, to = (nint)deepGradient;
        Parallelism.Run(shape.Batch * shape.DeepHeight, threads, piece => BackwardRow((byte*)from, (byte*)to, shape, piece / shape.DeepHeight, piece % shape.DeepHeight));
    }

    private static void ForwardRow(byte* deep, byte* skip, byte* result, UpsampleConcatShape shape, int image, int y)
    {
        int channels = shape.DeepChannels, length = shape.DeepWidth * channels, skipBytes = shape.SkipChannels * TElements.Bytes;
        float[] buffer = ArrayPool<float>.Shared.Rent(length);
        fixed (float* row = buffer)
        {
            long first = ((long)image * shape.DeepHeight) + shape.Rows.First[y], second = ((long)image * shape.DeepHeight) + shape.Rows.Second[y];
            BlendRows(deep, first * length, second * length, shape.Rows.SecondWeight[y], row, length);

            long pixel = (((long)image * shape.Height) + y) * shape.Width;
            for (int x = 0; x < shape.Width; x++, pixel++)
            {
                long start = pixel * shape.Channels;
                BlendPixels(row + (shape.Columns.First[x] * channels), row + (shape.Columns.Second[x] * channels), shape.Columns.SecondWeight[x], result, start, channels);
                Unsafe.CopyBlockUnaligned(result + ((start + channels) * TElements.Bytes), skip + (pixel * skipBytes), (uint)skipBytes);
            }
        }

        ArrayPool<float>.Shared.Return(buffer);
    }

    private static void BlendRows(byte* deep, long first, long second, float secondWeight, float* row, int length)
    {
        int i = 0, width = Vector<float>.Count;
        Vector<float> before = new(1 - secondWeight), after = new(secondWeight);
        for (; i <= length - (2 * width); i += 2 * width)
        {
            TElements.Load(deep, first + i, out Vector<float> a, out Vector<float> b);
            TElements.Load(deep, second + i, out Vector<float> c, out Vector<float> d);
            Unsafe.WriteUnaligned(row + i, Vector.MultiplyAddEstimate(c, after, a * before));
            Unsafe.WriteUnaligned(row + i + width, Vector.MultiplyAddEstimate(d, after, b * before));
        }

        for (; i < length; i++)
        {
            row[i] = float.MultiplyAddEstimate(TElements.Load(deep, second + i), secondWeight, TElements.Load(deep, first + i) * (1 - secondWeight));
        }
    }

    private static void BlendPixels(float* first, float* second, float secondWeight, byte* result, long start, int channels)
    {
        int i = 0, width = Vector<float>.Count;
        Vector<float> before = new(1 - secondWeight), after = new(secondWeight);
        for (; i <= channels - (2 * width); i += 2 * width)
        {
            TElements.Store(
                result,
                start + i,
                Vector.MultiplyAddEstimate(At(second + i), after, At(first + i) * before),
                Vector.MultiplyAddEstimate(At(second + i + width), after, At(first + i + width) * before));
        }

        for (; i < channels; i++)
        {
            TElements.Store(result, start + i, float.MultiplyAddEstimate(second[i], secondWeight, first[i] * (1 - secondWeight)));
        }
    }

    private static void BackwardRow(byte* gradient, byte* deepGradient, UpsampleConcatShape shape, int image, int deepY)
    {
        int channels = shape.DeepChannels, length = shape.Width * channels;
        long rowElements = (long)shape.Width * shape.Channels;
        float[] buffer = ArrayPool<float>.Shared.Rent(length);
        fixed (float* row = buffer)
        {
            ReadOnlySpan<float> rowWeights = shape.Rows.OutputWeights(deepY);
            long first = (((long)image * shape.Height) + shape.Rows.FirstOutput(deepY)) * rowElements;
            for (int x = 0; x < shape.Width; x++)
            {
                GatherRows(gradient, first + ((long)x * shape.Channels), rowElements, rowWeights, row + (x * channels), channels);
            }

            long pixel = (((long)image * shape.DeepHeight) + deepY) * shape.DeepWidth;
            for (int x = 0; x < shape.DeepWidth; x++, pixel++)
            {
                GatherPixels(row + (shape.Columns.FirstOutput(x) * channels), shape.Columns.OutputWeights(x), deepGradient, pixel * channels, channels);
            }
        }

        ArrayPool<float>.Shared.Return(buffer);
    }

    private static void GatherRows(byte* gradient, long first, long rowElements, ReadOnlySpan<float> weights, float* row, int channels)
    {
        int i = 0, width = Vector<float>.Count;
        for (; i <= channels - (2 * width); i += 2 * width)
        {
            Vector<float> a = Vector<float>.Zero, b = Vector<float>.Zero;
            long at = first + i;
            foreach (float weight in weights)
            {
                TElements.Load(gradient, at, out Vector<float> c, out Vector<float> d);
                Vector<float> factor = new(weight);
                a = Vector.MultiplyAddEstimate(c, factor, a);
                b = Vector.MultiplyAddEstimate(d, factor, b);
                at += rowElements;
            }

            Unsafe.WriteUnaligned(row + i, a);
            Unsafe.WriteUnaligned(row + i + width, b);
        }

        for (; i < channels; i++)
        {
            float sum = 0;
            for (int k = 0; k < weights.Length; k++)
            {
                sum = float.MultiplyAddEstimate(TElements.Load(gradient, first + i + (k * rowElements)), weights[k], sum);
            }

            row[i] = sum;
        }
    }

    private static void GatherPixels(float* first, ReadOnlySpan<float> weights, byte* result, long start, int channels)
    {
        int i = 0, width = Vector<float>.Count;
        for (; i <= channels - (2 * width); i += 2 * width)
        {
            Vector<float> a = Vector<float>.Zero, b = Vector<float>.Zero;
            float* at = first + i;
            foreach (float weight in weights)
            {
                Vector<float> factor = new(weight);
                a = Vector.MultiplyAddEstimate(At(at), factor, a);
                b = Vector.MultiplyAddEstimate(At(at + width), factor, b);
                at += channels;
            }

            TElements.Store(result, start + i, a, b);
        }

        for (; i < channels; i++)
        {
            float sum = 0;
            for (int k = 0; k < weights.Length; k++)
            {
                sum = float.MultiplyAddEstimate(first[i + (k * channels)], weights[k], sum);
            }

            TElements.Store(result, start + i, sum);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> At(float* values) => Unsafe.ReadUnaligned<Vector<float>>(values);
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
