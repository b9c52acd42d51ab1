using System.Numerics;
using Convoy.Torch.Kernels;
using static TorchSharp.torch;

namespace Convoy.Torch.Amp;

/// <summary>Multiplies elements by a factor and looks whether they were finite, in one pass over the memory.</summary>
internal static unsafe class UnscaleKernel
{
    /// <summary>Whether there is a kernel for a type.</summary>
    public static bool Supports(ScalarType dtype) => dtype is ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16;

    /// <summary>Multiplies <paramref name="count"/> elements by <paramref name="factor"/>, each rounded once.</summary>
    /// <returns>Whether all of them were finite before.</returns>
    public static bool Run(byte* start, long count, ScalarType dtype, float factor) => dtype switch
    {
        ScalarType.Float32 => Run<float, NativeElements<float>>(start, count, factor),
        ScalarType.Float64 => Run<double, NativeElements<double>>(start, count, factor),
        ScalarType.BFloat16 => Run<float, BFloat16Elements>(start, count, factor),
        _ => throw new ArgumentException($"no kernel for {dtype}", nameof(dtype)),
    };

    private static bool Run<T, TElements>(byte* start, long count, T factor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TElements : IElements<T>
    {
        // x - x is 0, but NaN for an infinity or NaN, and a sum with NaN stays NaN. Two sums, so that neither waits for itself.
        var by = new Vector<T>(factor);
        Vector<T> firstSum = Vector<T>.Zero, secondSum = Vector<T>.Zero;
        long width = 2L * Vector<T>.Count, index = 0;
        for (; index <= count - width; index += width)
        {
            TElements.Load(start, index, out Vector<T> first, out Vector<T> second);
            firstSum += first - first;
            secondSum += second - second;
            TElements.Store(start, index, first * by, second * by);
        }

        bool finite = Vector.EqualsAll(firstSum + secondSum, Vector<T>.Zero);
        for (; index < count; index++)
        {
            T value = TElements.Load(start, index);
            finite &= T.IsFinite(value);
            TElements.Store(start, index, value * factor);
        }

        return finite;
    }
}
