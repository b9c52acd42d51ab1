using System.Numerics;
using System.Runtime.CompilerServices;
using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;
using static TorchSharp.torch;

namespace Convoy.Torch.Optim;

/// <summary>The gradients that an update uses, each in the order of its parameter's memory, cut into pieces for threads.</summary>
/// <remarks>Pieces depend on the parameters alone, so that sums do not change with the number of threads.</remarks>
internal sealed unsafe class FusedGradients : IDisposable
{
    // Small enough that threads share the work evenly, large enough that handing it out costs nothing.
    private const long PieceLength = 1 << 17;

    private readonly List<(FusedParameter Owner, Tensor Gradient, Tensor InOrder)> _gradients = [];

    /// <param name="parameters">Parameters; those without a gradient are passed over.</param>
    /// <exception cref="NotSupportedException">A gradient is sparse.</exception>
    /// <exception cref="InvalidOperationException">A parameter was disposed, or its memory has another order than when the optimizer was made.</exception>
    public FusedGradients(IEnumerable<FusedParameter> parameters)
    {
        try
        {
            foreach (FusedParameter parameter in parameters)
            {
                parameter.RequireThere();
                if (parameter.Parameter.grad is { } gradient)
                {
                    _gradients.Add((parameter, gradient, gradient));
                    _gradients[^1] = (parameter, gradient, InOrder(parameter, gradient));
                }
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Whether there is a gradient at all.</summary>
    public bool Any => _gradients.Count > 0;

    /// <summary>The parameters that have a gradient.</summary>
    public IEnumerable<FusedParameter> Owners => _gradients.Select(entry => entry.Owner);

    /// <summary>The sum of the squares of all elements, and whether all are finite.</summary>
    public (double Sum, bool IsFinite) Measure()
    {
        (nint Start, long Count, ScalarType Dtype)[] pieces =
            [.. _gradients.SelectMany(entry => Cut(entry.Owner).Select(cut => ((nint)TensorMemory.Address(entry.InOrder) + (nint)(cut.First * entry.Owner.ElementSize), cut.Count, entry.Owner.Dtype)))];
        var parts = new (double Sum, bool IsFinite)[pieces.Length];
        Parallelism.Run(pieces.Length, get_num_threads(), index => parts[index] = SquaredNorm.Compute((byte*)pieces[index].Start, pieces[index].Count, pieces[index].Dtype));
        return (parts.Sum(part => part.Sum), parts.All(part => part.IsFinite));
    }

    /// <summary>Updates all parameters that have a gradient, and raises their versions.</summary>
    /// <param name="factor">What the gradients are multiplied by.</param>
    /// <param name="zero">Whether the gradients become zero.</param>
    public void Update(double factor, bool zero)
    {
        var pieces = new List<AdamWPiece>();
        foreach ((FusedParameter owner, _, Tensor inOrder) in _gradients)
        {
            owner.State.step++;
            AdamWCoefficients coefficients = AdamWCoefficients.ForStep(owner.Options, owner.State.step, factor);
            nint parameter = (nint)TensorMemory.Address(owner.Parameter), gradient = (nint)TensorMemory.Address(inOrder), average = (nint)owner.Average, square = (nint)owner.SquareAverage;
            foreach ((long first, long count) in Cut(owner))
            {
                nint skip = (nint)(first * owner.ElementSize);
                pieces.Add(new AdamWPiece(parameter + skip, gradient + skip, average + skip, square + skip, count, owner.Dtype, coefficients));
            }
        }

        Parallelism.Run(pieces.Count, get_num_threads(), index => AdamWKernel.Run(pieces[index], zero));
        foreach ((FusedParameter owner, Tensor gradient, Tensor inOrder) in _gradients)
        {
            // A graph that was to be gone through once more must not silently use the new values. Gradients belong to no graph.
            AutogradVersion.Raise(owner.Parameter);
            if (zero && !ReferenceEquals(gradient, inOrder))
            {
                gradient.zero_();
            }
        }
    }

    /// <summary>Fills all gradients with zeros.</summary>
    public void Zero()
    {
        foreach ((_, Tensor gradient, _) in _gradients)
        {
            gradient.zero_();
        }
    }

    /// <summary>Lets go of the handles.</summary>
    public void Dispose()
    {
        foreach ((_, Tensor gradient, Tensor inOrder) in _gradients)
        {
            inOrder.Dispose();
            gradient.Dispose();
        }
    }

    private static IEnumerable<(long First, long Count)> Cut(FusedParameter parameter)
    {
        for (long first = 0; first < parameter.Count; first += PieceLength)
        {
            yield return (first, Math.Min(PieceLength, parameter.Count - first));
        }
    }

    // The gradient itself if it can be read and written as memory; a copy for rare ones: in another order, expanded, or with a history of their own (create_graph).
    private static Tensor InOrder(FusedParameter parameter, Tensor gradient)
    {
        if (gradient.is_sparse)
        {
            throw new NotSupportedException($"a gradient is sparse (of shape [{string.Join(", ", gradient.shape)}]). Make the layer that it belongs to with dense gradients.");
        }

        if (!parameter.HasSameOrder(parameter.Parameter))
        {
            throw new InvalidOperationException(
                $"a parameter's memory is in another order than when the optimizer was made (of shape [{string.Join(", ", parameter.Parameter.shape)}]). Change memory formats first, then make the optimizer.");
        }

        if (parameter.HasSameOrder(gradient) && !gradient.requires_grad)
        {
            return gradient;
        }

        using Tensor detached = gradient.detach();
        Tensor copy = empty_like(parameter.Parameter);
        copy.copy_(detached);
        return copy;
    }
}

/// <summary>The sum of squares of elements, added up in float64, and whether they are finite: one pass over memory that changes nothing.</summary>
internal static unsafe class SquaredNorm
{
    /// <param name="start">The first element.</param>
    /// <param name="count">How many.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <returns>The sum, and whether all elements are finite.</returns>
    public static (double Sum, bool IsFinite) Compute(byte* start, long count, ScalarType dtype)
    {
        double sum = dtype == ScalarType.Float64 ? SumDoubles((double*)start, count) : SumSingles((float*)start, count);

        // The square of a float32 is far from float64's end, so there the sum tells. Large float64 elements have to be looked at again.
        bool isFinite = double.IsFinite(sum) || (dtype == ScalarType.Float64 && new ReadOnlySpan<double>(start, checked((int)count)).IndexOfAnyExceptInRange(double.MinValue, double.MaxValue) < 0);
        return (sum, isFinite);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double SumSingles(float* start, long count)
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
    private static double SumDoubles(double* start, long count)
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
