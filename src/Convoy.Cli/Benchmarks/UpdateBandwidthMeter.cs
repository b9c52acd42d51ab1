using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using Convoy.Distributed;

namespace Convoy.Cli.Benchmarks;

/// <summary>
/// Measures what all ranks together read from and write to memory when each changes an array of its own in place: the same
/// mix of reading and writing as a reduction in place, so nothing has to be guessed about writes that also read.
/// </summary>
internal sealed class UpdateBandwidthMeter
{
    private const int Passes = 8;
    private const long LeastTotalBytes = 256L << 20, MostTotalBytes = 1L << 30;

    private readonly ProcessGroup _group;
    private readonly float[] _array;

    /// <param name="group">The ranks, which all measure at the same time.</param>
    /// <param name="cacheBytes">The largest cache; all arrays together are four times as large, 256 MiB to 1 GiB.</param>
    public UpdateBandwidthMeter(ProcessGroup group, long? cacheBytes)
    {
        _group = group;
        _array = new float[Math.Clamp(4 * (cacheBytes ?? 0), LeastTotalBytes, MostTotalBytes) / group.Size / sizeof(float)];
    }

    /// <summary>Bytes read plus bytes written a second, of all ranks, in the fastest pass. All ranks call it together.</summary>
    public double Measure()
    {
        Update(); // fetches the pages from the system
        double fastest = double.MaxValue;
        for (int pass = 0; pass < Passes; pass++)
        {
            _group.Barrier();
            long start = Stopwatch.GetTimestamp();
            Update();
            _group.Barrier(); // the slowest rank ends the pass
            fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return 2.0 * _array.Length * sizeof(float) * _group.Size / fastest;
    }

    private void Update()
    {
        Span<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(_array.AsSpan());
        Vector<float> one = Vector<float>.One;
        for (int i = 0; i < vectors.Length; i++)
        {
            vectors[i] += one;
        }
    }
}
