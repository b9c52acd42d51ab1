using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Convoy.Training.Measurement;

/// <summary>
/// Measures how many float32 multiplications and additions a core's vector units can do: fused multiply-adds on registers that do not wait for each other. No program of that width computes faster,
/// and libtorch's matrix products can stay far below: Intel's library uses half of the width of AMD's processors.
/// </summary>
public static class MultiplyAddMeter
{
    // More than the latency of the instruction times the units of any processor, and with what is multiplied and added within 16 registers.
    private const int Chains = 12;

    private const int Rounds = 20_000;
    private const int FewestRuns = 3;

    /// <summary>The widths that this processor has and .NET may use, each measured on one core for about 50 ms; none where it has no fused multiply-add.</summary>
    public static IReadOnlyList<MultiplyAddPeak> Measure() => [.. Loops().Select(loop => new MultiplyAddPeak(loop.Bits, Math.Round(OneThread(loop, TimeSpan.FromMilliseconds(50)) / 1e9, 1)))];

    /// <summary>What several threads reach together in the width that is the fastest.</summary>
    /// <param name="threads">Threads, each on a core of its own if there is one; at least 1.</param>
    /// <param name="duration">About how long.</param>
    /// <returns>Floating-point operations a second; 0 where the processor has no fused multiply-add.</returns>
    public static double FlopsPerSecond(int threads, TimeSpan duration)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        (int Bits, Func<int, float> Run)[] loops = [.. Loops()];
        return loops.Select(loop => Together(loop, threads, duration / loops.Length)).DefaultIfEmpty().Max();
    }

    private static double Together((int Bits, Func<int, float> Run) loop, int threads, TimeSpan duration)
    {
        double[] speeds = new double[threads];
        Thread[] others = [.. Enumerable.Range(1, threads - 1).Select(i => new Thread(() => speeds[i] = OneThread(loop, duration)))];
        Array.ForEach(others, other => other.Start());
        speeds[0] = OneThread(loop, duration);
        Array.ForEach(others, other => other.Join());
        return speeds.Sum();
    }

    private static double OneThread((int Bits, Func<int, float> Run) loop, TimeSpan duration)
    {
        double operations = 2.0 * Chains * Rounds * (loop.Bits / 8 / sizeof(float)), fastest = double.MaxValue;
        float sum = loop.Run(Rounds);
        long start = Stopwatch.GetTimestamp();
        for (int run = 0; run < FewestRuns || Stopwatch.GetElapsedTime(start) < duration; run++)
        {
            long runStart = Stopwatch.GetTimestamp();
            sum += loop.Run(Rounds);
            fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(runStart).TotalSeconds);
        }

        // The sum is used, or the compiler could leave the loop out.
        return float.IsFinite(sum) ? operations / fastest : throw new InvalidOperationException("a sum of numbers below 1 is not finite.");
    }

    private static IEnumerable<(int Bits, Func<int, float> Run)> Loops()
    {
        if (Fma.IsSupported || AdvSimd.IsSupported)
        {
            yield return (128, Run128);
        }

        if (Fma.IsSupported && Vector256.IsHardwareAccelerated)
        {
            yield return (256, Run256);
        }

        if (Avx512F.IsSupported)
        {
            yield return (512, Run512);
        }
    }

    // The three differ in their type only; written out, since every sum has to stay in a register of its own.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Run128(int rounds)
    {
        Vector128<float> factor = Vector128.Create(0.5f), addend = Vector128.Create(0.25f);
        Vector128<float> a = addend, b = addend, c = addend, d = addend, e = addend, f = addend, g = addend, h = addend, i = addend, j = addend, k = addend, l = addend;
        for (int round = 0; round < rounds; round++)
        {
            a = Vector128.FusedMultiplyAdd(a, factor, addend);
            b = Vector128.FusedMultiplyAdd(b, factor, addend);
            c = Vector128.FusedMultiplyAdd(c, factor, addend);
            d = Vector128.FusedMultiplyAdd(d, factor, addend);
            e = Vector128.FusedMultiplyAdd(e, factor, addend);
            f = Vector128.FusedMultiplyAdd(f, factor, addend);
            g = Vector128.FusedMultiplyAdd(g, factor, addend);
            h = Vector128.FusedMultiplyAdd(h, factor, addend);
            i = Vector128.FusedMultiplyAdd(i, factor, addend);
            j = Vector128.FusedMultiplyAdd(j, factor, addend);
            k = Vector128.FusedMultiplyAdd(k, factor, addend);
            l = Vector128.FusedMultiplyAdd(l, factor, addend);
        }

        return Vector128.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Run256(int rounds)
    {
        Vector256<float> factor = Vector256.Create(0.5f), addend = Vector256.Create(0.25f);
        Vector256<float> a = addend, b = addend, c = addend, d = addend, e = addend, f = addend, g = addend, h = addend, i = addend, j = addend, k = addend, l = addend;
        for (int round = 0; round < rounds; round++)
        {
            a = Vector256.FusedMultiplyAdd(a, factor, addend);
            b = Vector256.FusedMultiplyAdd(b, factor, addend);
            c = Vector256.FusedMultiplyAdd(c, factor, addend);
            d = Vector256.FusedMultiplyAdd(d, factor, addend);
            e = Vector256.FusedMultiplyAdd(e, factor, addend);
            f = Vector256.FusedMultiplyAdd(f, factor, addend);
            g = Vector256.FusedMultiplyAdd(g, factor, addend);
            h = Vector256.FusedMultiplyAdd(h, factor, addend);
            i = Vector256.FusedMultiplyAdd(i, factor, addend);
            j = Vector256.FusedMultiplyAdd(j, factor, addend);
            k = Vector256.FusedMultiplyAdd(k, factor, addend);
            l = Vector256.FusedMultiplyAdd(l, factor, addend);
        }

        return Vector256.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Run512(int rounds)
    {
        Vector512<float> factor = Vector512.Create(0.5f), addend = Vector512.Create(0.25f);
        Vector512<float> a = addend, b = addend, c = addend, d = addend, e = addend, f = addend, g = addend, h = addend, i = addend, j = addend, k = addend, l = addend;
        for (int round = 0; round < rounds; round++)
        {
            a = Vector512.FusedMultiplyAdd(a, factor, addend);
            b = Vector512.FusedMultiplyAdd(b, factor, addend);
            c = Vector512.FusedMultiplyAdd(c, factor, addend);
            d = Vector512.FusedMultiplyAdd(d, factor, addend);
            e = Vector512.FusedMultiplyAdd(e, factor, addend);
            f = Vector512.FusedMultiplyAdd(f, factor, addend);
            g = Vector512.FusedMultiplyAdd(g, factor, addend);
            h = Vector512.FusedMultiplyAdd(h, factor, addend);
            i = Vector512.FusedMultiplyAdd(i, factor, addend);
            j = Vector512.FusedMultiplyAdd(j, factor, addend);
            k = Vector512.FusedMultiplyAdd(k, factor, addend);
            l = Vector512.FusedMultiplyAdd(l, factor, addend);
        }

        return Vector512.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }
}

/// <summary>What one core's vector units reach in a width.</summary>
/// <param name="Bits">The width of a vector.</param>
/// <param name="GigaflopsPerSecond">10^9 float32 operations a second; a multiplication and an addition are two.</param>
public sealed record MultiplyAddPeak(int Bits, double GigaflopsPerSecond);
