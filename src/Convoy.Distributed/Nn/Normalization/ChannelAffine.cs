using System.Numerics;
using System.Runtime.CompilerServices;
using Convoy.Distributed.Interop;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn.Normalization;

/// <summary>
/// Computes result = dy * a + (x - shift) * b + c with one number of each a channel, in one pass over memory. A shift near the
/// mean keeps the last two terms small, so that they do not cancel.
/// </summary>
internal static unsafe class ChannelAffine
{
    // Elements that one thread takes at a time.
    private const long ChunkElements = 1 << 17;

    /// <param name="x">float32, float64 or bfloat16.</param>
    /// <param name="dy">In the same type and layout.</param>
    /// <param name="result">In the same type and layout.</param>
    /// <param name="layout">The layout of all three.</param>
    /// <param name="shift">One number a channel; like a, b and c rounded to the type in which the result is computed.</param>
    /// <param name="a">One number a channel.</param>
    /// <param name="b">One number a channel.</param>
    /// <param name="c">One number a channel.</param>
    /// <param name="threads">How many threads may work.</param>
    public static void Compute(Tensor x, Tensor dy, Tensor result, ChannelLayout layout, double[] shift, double[] a, double[] b, double[] c, int threads)
    {
        byte* xs = TensorMemory.Address(x), dys = TensorMemory.Address(dy), results = TensorMemory.Address(result);
        switch (x.dtype)
        {
            case ScalarType.Float64:
                Compute<double, NativeElements<double>>(xs, dys, results, layout, shift, a, b, c, threads);
                break;
            case ScalarType.BFloat16:
                Compute<float, BFloat16Elements>(xs, dys, results, layout, ToSingle(shift), ToSingle(a), ToSingle(b), ToSingle(c), threads);
                break;
            default:
                Compute<float, NativeElements<float>>(xs, dys, results, layout, ToSingle(shift), ToSingle(a), ToSingle(b), ToSingle(c), threads);
                break;
        }
    }

    private static float[] ToSingle(double[] values) => Array.ConvertAll(values, value => (float)value);

    private static void Compute<T, TElements>(byte* x, byte* dy, byte* result, ChannelLayout layout, T[] shift, T[] a, T[] b, T[] c, int threads)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TElements : IElements<T>
    {
        int channels = layout.Channels;
        nint xs = (nint)x, dys = (nint)dy, results = (nint)result; // Lambdas cannot hold pointers.
        if (!layout.ChannelsLast)
        {
            Parallelism.Run((int)layout.Batch, threads, image =>
            {
                for (int channel = 0; channel < channels; channel++)
                {
                    long start = (((long)image * channels) + channel) * layout.Positions;
                    Plane<T, TElements>((byte*)xs, (byte*)dys, (byte*)results, start, layout.Positions, shift[channel], a[channel], b[channel], c[channel]);
                }
            });
            return;
        }

        long rowsPerChunk = Math.Max(1, ChunkElements / Math.Max(1, channels));
        Parallelism.Run((int)((layout.Count + rowsPerChunk - 1) / rowsPerChunk), threads, chunk =>
        {
            long start = chunk * rowsPerChunk, end = Math.Min(layout.Count, start + rowsPerChunk);
            Rows<T, TElements>((byte*)xs, (byte*)dys, (byte*)results, start, end, channels, shift, a, b, c);
        });
    }

    private static void Rows<T, TElements>(byte* x, byte* dy, byte* result, long firstRow, long endRow, int channels, T[] shift, T[] a, T[] b, T[] c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TElements : IElements<T>
    {
        int width = Vector<T>.Count;
        fixed (T* shifts = shift, slopes = a, inputSlopes = b, offsets = c)
        {
            for (long row = firstRow; row < endRow; row++)
            {
                long start = row * channels;
                int i = 0;
                for (; i <= channels - (2 * width); i += 2 * width)
                {
                    TElements.Load(x, start + i, out Vector<T> xA, out Vector<T> xB);
                    TElements.Load(dy, start + i, out Vector<T> dyA, out Vector<T> dyB);
                    TElements.Store(
                        result,
                        start + i,
                        (dyA * At(slopes + i)) + ((xA - At(shifts + i)) * At(inputSlopes + i)) + At(offsets + i),
                        (dyB * At(slopes + i + width)) + ((xB - At(shifts + i + width)) * At(inputSlopes + i + width)) + At(offsets + i + width));
                }

                for (; i < channels; i++)
                {
                    TElements.Store(result, start + i, (TElements.Load(dy, start + i) * slopes[i]) + ((TElements.Load(x, start + i) - shifts[i]) * inputSlopes[i]) + offsets[i]);
                }
            }
        }
    }

    private static void Plane<T, TElements>(byte* x, byte* dy, byte* result, long start, long count, T shift, T a, T b, T c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TElements : IElements<T>
    {
        Vector<T> sv = new(shift), av = new(a), bv = new(b), cv = new(c);
        long i = start, end = start + count;
        for (; i <= end - (2 * Vector<T>.Count); i += 2 * Vector<T>.Count)
        {
            TElements.Load(x, i, out Vector<T> xA, out Vector<T> xB);
            TElements.Load(dy, i, out Vector<T> dyA, out Vector<T> dyB);
            TElements.Store(result, i, (dyA * av) + ((xA - sv) * bv) + cv, (dyB * av) + ((xB - sv) * bv) + cv);
        }

        for (; i < end; i++)
        {
            TElements.Store(result, i, (TElements.Load(dy, i) * a) + ((TElements.Load(x, i) - shift) * b) + c);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<T> At<T>(T* values)
        where T : unmanaged => Unsafe.ReadUnaligned<Vector<T>>(values);
}
