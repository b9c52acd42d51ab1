using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Convoy.Cli.Doctor;

/// <summary>Measures memory bandwidth: the ceiling of exchanging gradients and of every operation that only moves data.</summary>
internal static class MemoryBandwidthMeter
{
    private const int Passes = 6;
    private const long SmallestArray = 32L << 20, LargestArray = 256L << 20;

    /// <summary>Runs STREAM's triad over three arrays, each twice as large as the largest cache (32 to 256 MiB).</summary>
    /// <param name="threads">Threads to use.</param>
    /// <param name="cacheBytes">The processor's largest cache; null where it is not known.</param>
    /// <param name="availableBytes">Memory that is free: at most a quarter of it is used.</param>
    public static MemoryBandwidth Measure(int threads, long? cacheBytes, long availableBytes)
    {
        long arrayBytes = Math.Clamp(2 * (cacheBytes ?? 0), SmallestArray, LargestArray);
        arrayBytes = Math.Max(Math.Min(arrayBytes, availableBytes / 12), 1L << 20);
        int count = (int)(arrayBytes / sizeof(float));
        float[] a = new float[count], b = new float[count], c = new float[count];
        b.AsSpan().Fill(1);
        c.AsSpan().Fill(2);

        double fastest = double.MaxValue;
        for (int pass = 0; pass < Passes; pass++)
        {
            long start = Stopwatch.GetTimestamp();
            Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, thread =>
            {
                int from = (int)((long)count * thread / threads), to = (int)((long)count * (thread + 1) / threads);
                Triad(a.AsSpan(from..to), b.AsSpan(from..to), c.AsSpan(from..to));
            });
            if (pass > 0) // the first pass also fetches a's pages from the system
            {
                fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        long bytes = 3L * count * sizeof(float);
        return new MemoryBandwidth(threads, bytes, Math.Round(bytes / fastest / 1e9, 1));
    }

    private static void Triad(Span<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c)
    {
        const float Factor = 3;
        int vectors = a.Length / Vector<float>.Count;
        Span<Vector<float>> to = MemoryMarshal.Cast<float, Vector<float>>(a);
        ReadOnlySpan<Vector<float>> first = MemoryMarshal.Cast<float, Vector<float>>(b), second = MemoryMarshal.Cast<float, Vector<float>>(c);
        for (int i = 0; i < vectors; i++)
        {
            to[i] = first[i] + (second[i] * Factor);
        }

        for (int i = vectors * Vector<float>.Count; i < a.Length; i++)
        {
            a[i] = b[i] + (c[i] * Factor);
        }
    }
}
