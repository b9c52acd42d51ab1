using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Distributed.Nn;

/// <summary>Computes result = dy * a + x * b + c with one a, b and c a channel, in one pass over memory.</summary>
internal static unsafe class ChannelAffine
{
    // Elements that one thread takes at a time.
    private const long ChunkElements = 1 << 17;

    public static void Compute(float* x, float* dy, float* result, ChannelLayout layout, float[] a, float[] b, float[] c, int threads)
    {
        int channels = layout.Channels;
        nint xs = (nint)x, dys = (nint)dy, results = (nint)result; // Lambdas cannot hold pointers.
        if (!layout.ChannelsLast)
        {
            Parallelism.Run((int)layout.Batch, threads, image =>
            {
                for (int channel = 0; channel < channels; channel++)
                {
                    long offset = (((long)image * channels) + channel) * layout.Positions;
                    Plane((float*)xs + offset, (float*)dys + offset, (float*)results + offset, layout.Positions, a[channel], b[channel], c[channel]);
                }
            });
            return;
        }

        long rowsPerChunk = Math.Max(1, ChunkElements / Math.Max(1, channels));
        Parallelism.Run((int)((layout.Count + rowsPerChunk - 1) / rowsPerChunk), threads, chunk =>
        {
            long start = chunk * rowsPerChunk, end = Math.Min(layout.Count, start + rowsPerChunk);
            for (long row = start; row < end; row++)
            {
                long offset = row * channels;
                Row((float*)xs + offset, (float*)dys + offset, (float*)results + offset, a, b, c);
            }
        });
    }

    private static void Row(float* x, float* dy, float* result, ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c)
    {
        int i = 0;
        for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> scaled = (Unsafe.ReadUnaligned<Vector<float>>(dy + i) * new Vector<float>(a[i..])) + (Unsafe.ReadUnaligned<Vector<float>>(x + i) * new Vector<float>(b[i..]));
            Unsafe.WriteUnaligned(result + i, scaled + new Vector<float>(c[i..]));
        }

        for (; i < a.Length; i++)
        {
            result[i] = (dy[i] * a[i]) + (x[i] * b[i]) + c[i];
        }
    }

    private static void Plane(float* x, float* dy, float* result, long count, float a, float b, float c)
    {
        Vector<float> av = new(a), bv = new(b), cv = new(c);
        long i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            Unsafe.WriteUnaligned(result + i, (Unsafe.ReadUnaligned<Vector<float>>(dy + i) * av) + (Unsafe.ReadUnaligned<Vector<float>>(x + i) * bv) + cv);
        }

        for (; i < count; i++)
        {
            result[i] = (dy[i] * a) + (x[i] * b) + c;
        }
    }
}
