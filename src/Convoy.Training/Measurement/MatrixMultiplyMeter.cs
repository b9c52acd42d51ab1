using System.Diagnostics;
using Convoy.Training.Options;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Measurement;

/// <summary>Measures how fast libtorch multiplies matrices: the ceiling of what training can reach on this machine.</summary>
public static class MatrixMultiplyMeter
{
    private const int Smallest = 256, Largest = 1024, FewestRuns = 3, Sizes = 2;
    private static readonly TimeSpan OneRun = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan OnePeak = TimeSpan.FromMilliseconds(200);

    /// <summary>Measures fp32 and bf16, with one thread and with <paramref name="cores"/>, about 0.2 s each.</summary>
    public static IReadOnlyList<MatrixMultiplyPeak> Measure(int cores)
    {
        int threadsBefore = get_num_threads();
        try
        {
            set_num_threads(1);
            int fp32Largest = ChooseLargest(ScalarType.Float32), bf16Largest = ChooseLargest(ScalarType.BFloat16);
            var peaks = new List<MatrixMultiplyPeak>();
            foreach (int threads in new[] { 1, cores }.Distinct())
            {
                set_num_threads(threads);
                peaks.Add(Measure("fp32", ScalarType.Float32, threads, fp32Largest));
                peaks.Add(Measure("bf16", ScalarType.BFloat16, threads, bf16Largest));
            }

            return peaks;
        }
        finally
        {
            set_num_threads(threadsBefore);
        }
    }

    /// <summary>Measures one type with libtorch's present number of threads.</summary>
    /// <param name="type">The type.</param>
    /// <param name="duration">About how long; null for 0.2 s.</param>
    /// <returns>Floating-point operations a second.</returns>
    public static double FlopsPerSecond(ScalarType type, TimeSpan? duration = null) => Peak(type, ChooseLargest(type), duration ?? OnePeak).FlopsPerSecond;

    /// <summary>The type in which matrices are multiplied in a precision.</summary>
    internal static ScalarType TypeOf(Precision precision) => precision switch
    {
        Precision.Bf16 => ScalarType.BFloat16,
        Precision.Fp16 => ScalarType.Float16,
        _ => ScalarType.Float32,
    };

    // Chosen with one thread: large enough to time, but not seconds long where bf16 has no instructions of its own.
    private static int ChooseLargest(ScalarType type)
    {
        int size = Smallest;
        while (size < Largest && Fastest(size, type, TimeSpan.Zero) * 8 < OneRun.TotalSeconds)
        {
            size *= 2;
        }

        return size;
    }

    private static MatrixMultiplyPeak Measure(string precision, ScalarType type, int threads, int largest)
    {
        (int size, double flopsPerSecond) = Peak(type, largest, OnePeak);
        return new MatrixMultiplyPeak(precision, threads, size, Math.Round(flopsPerSecond / 1e9, 1));
    }

    // The largest size is not always the fastest: half of it fits into nearer caches.
    private static (int Size, double FlopsPerSecond) Peak(ScalarType type, int largest, TimeSpan duration) => Enumerable.Range(0, Sizes)
        .Select(halvings => largest >> halvings)
        .Select(size => (size, Operations(size) / Fastest(size, type, duration / Sizes)))
        .MaxBy(measured => measured.Item2);

    private static double Operations(int size) => 2.0 * size * size * size;

    private static double Fastest(int size, ScalarType type, TimeSpan duration)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        Tensor a = ones([size, size], type), b = ones([size, size], type);
        a.matmul(b).Dispose(); // the first run also lets libtorch choose and load its kernel
        double fastest = double.MaxValue;
        long start = Stopwatch.GetTimestamp();
        for (int run = 0; run < FewestRuns || Stopwatch.GetElapsedTime(start) < duration; run++)
        {
            long runStart = Stopwatch.GetTimestamp();
            a.matmul(b).Dispose();
            fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(runStart).TotalSeconds);
        }

        return fastest;
    }
}

/// <summary>The fastest of a few square matrix multiplications.</summary>
/// <param name="Precision"><c>fp32</c> or <c>bf16</c>.</param>
/// <param name="Threads">Threads that libtorch used.</param>
/// <param name="Size">Rows and columns of each matrix.</param>
/// <param name="GigaflopsPerSecond">2 x size cubed operations over the seconds of the fastest.</param>
public sealed record MatrixMultiplyPeak(string Precision, int Threads, int Size, double GigaflopsPerSecond);
