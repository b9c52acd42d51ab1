using System.Numerics;
using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Amp;

/// <summary>Divides the gradients of some parameters by the scale, in place, and looks for infinities and NaN on the way.</summary>
internal static unsafe class GradientUnscaling
{
    // Small enough that threads share the work evenly, large enough that handing it out costs nothing.
    private const long PieceLength = 1 << 18;

    /// <summary>Multiplies every gradient by <paramref name="inverseScale"/>.</summary>
    /// <param name="parameters">Parameters; those without a gradient are passed over.</param>
    /// <param name="inverseScale">1 / scale.</param>
    /// <returns>Whether there was a gradient at all, and whether an element was infinite or NaN.</returns>
    /// <exception cref="InvalidOperationException">A gradient is float16. No gradient is changed.</exception>
    /// <exception cref="NotSupportedException">A gradient is sparse. No gradient is changed.</exception>
    public static (bool AnyGradient, bool NonFinite) Run(IEnumerable<Parameter> parameters, float inverseScale)
    {
        using var noGradient = no_grad();
        var gradients = new List<Tensor>();
        try
        {
            foreach (Parameter parameter in parameters)
            {
                if (parameter.grad is { } gradient)
                {
                    gradients.Add(gradient);
                    Require(gradient);
                }
            }

            return (gradients.Count > 0, Unscale(gradients, inverseScale));
        }
        finally
        {
            // Each is another handle of the parameter's gradient.
            gradients.ForEach(gradient => gradient.Dispose());
        }
    }

    private static void Require(Tensor gradient)
    {
        if (gradient.dtype == ScalarType.Float16)
        {
            throw new InvalidOperationException(
                $"attempting to unscale FP16 gradients (of shape [{string.Join(", ", gradient.shape)}]). Keep the parameters in float32 and run the forward pass in an Autocast region.");
        }

        if (gradient.is_sparse)
        {
            throw new NotSupportedException($"a gradient is sparse (of shape [{string.Join(", ", gradient.shape)}]). Make the layer that it belongs to with dense gradients.");
        }
    }

    private static bool Unscale(List<Tensor> gradients, float inverseScale)
    {
        bool finite = true;
        var pieces = new List<Piece>();
        foreach (Tensor gradient in gradients)
        {
            if (!IsPlainMemory(gradient))
            {
                finite &= UnscaleByOperations(gradient, inverseScale);
                continue;
            }

            byte* start = TensorMemory.Address(gradient);
            long count = gradient.numel(), size = gradient.element_size();
            for (long first = 0; first < count; first += PieceLength)
            {
                pieces.Add(new Piece((nint)(start + (first * size)), Math.Min(PieceLength, count - first), gradient.dtype));
            }
        }

        int infinite = 0;
        Parallelism.Run(pieces.Count, get_num_threads(), index =>
        {
            Piece piece = pieces[index];
            if (!UnscaleKernel.Run((byte*)piece.Start, piece.Count, piece.Dtype, inverseScale))
            {
                Volatile.Write(ref infinite, 1);
            }
        });
        return !finite || infinite != 0;
    }

    private static bool UnscaleByOperations(Tensor gradient, float inverseScale)
    {
        using Tensor finite = gradient.isfinite();
        using Tensor all = finite.all();
        using Scalar factor = inverseScale;
        gradient.mul_(factor);
        return all.item<bool>();
    }

    // Memory on the CPU without gaps and overlaps, whatever the order of its dimensions. A gradient that has a history itself (from
    // create_graph) must be changed by operations, which count its version.
    private static bool IsPlainMemory(Tensor gradient)
    {
        if (gradient.device_type != DeviceType.CPU || gradient.requires_grad || !UnscaleKernel.Supports(gradient.dtype))
        {
            return false;
        }

        if (gradient.is_contiguous())
        {
            return true;
        }

        long[] shape = gradient.shape, strides = gradient.stride();
        long expected = 1;
        foreach (int dimension in Enumerable.Range(0, shape.Length).Where(d => shape[d] > 1).OrderBy(d => strides[d]))
        {
            if (strides[dimension] != expected)
            {
                return false;
            }

            expected *= shape[dimension];
        }

        return true;
    }

    private readonly record struct Piece(nint Start, long Count, ScalarType Dtype);
}

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
