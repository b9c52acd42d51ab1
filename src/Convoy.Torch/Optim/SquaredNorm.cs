using System.Numerics;
using System.Runtime.CompilerServices;
using Convoy.Torch.Kernels;
using static TorchSharp.torch;

namespace Convoy.Torch.Optim;

/// <summary>The sum of squares of elements, added up in float64, and whether they are finite: one pass over memory that changes nothing.</summary>
internal static unsafe class SquaredNorm
{
    /// <param name="start">The first element.</param>
    /// <param name="count">How many.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <returns>The sum, and whether all elements are finite.</returns>
    public static (double Sum, bool IsFinite) Of(byte* start, long count, ScalarType dtype)
    {
        double sum = dtype == ScalarType.Float64 ? OfDoubles((double*)start, count) : OfSingles((float*)start, count);

        // The square of a float32 is far from float64's end, so there the sum tells. Large float64 elements have to be looked at again.
        bool isFinite = double.IsFinite(sum) || (dtype == ScalarType.Float64 && new ReadOnlySpan<double>(start, checked((int)count)).IndexOfAnyExceptInRange(double.MinValue, double.MaxValue) < 0);
        return (sum, isFinite);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double OfSingles(float* start, long count)
    {
        // Four sums, so that none waits for itself.
        Vector<double> a = default, b = default, c = default, d = default;
        long width = 2L * Vector<float>.Count, i = 0;
        for (; i <= count - width; i += width)
        {
            NativeElements<float>.Load((byte*)start, i, out Vector<float> first, out Vector<float> second);
            Vector.Widen(first, out Vector<double> firstLow, out Vector<double> firstHigh);
            Vector.Widen(second, out Vector<double> secondLow, out Vector<double> secondHigh);
            a += firstLow * firstLow;
            b += firstHigh * firstHigh;
            c += secondLow * secondLow;
            d += secondHigh * secondHigh;
        }

        double sum = Vector.Sum(a + b + c + d);
        for (; i < count; i++)
        {
            sum += (double)start[i] * start[i];
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double OfDoubles(double* start, long count)
    {
        Vector<double> a = default, b = default;
        long width = 2L * Vector<double>.Count, i = 0;
        for (; i <= count - width; i += width)
        {
            NativeElements<double>.Load((byte*)start, i, out Vector<double> first, out Vector<double> second);
            a += first * first;
            b += second * second;
        }

        double sum = Vector.Sum(a + b);
        for (; i < count; i++)
        {
            sum += start[i] * start[i];
        }

        return sum;
    }
}
