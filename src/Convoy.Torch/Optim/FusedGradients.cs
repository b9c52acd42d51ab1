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
        Parallelism.Run(pieces.Length, get_num_threads(), index => parts[index] = SquaredNorm.Of((byte*)pieces[index].Start, pieces[index].Count, pieces[index].Dtype));
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
            AdamWCoefficients coefficients = AdamWCoefficients.Of(owner.Options, owner.State.step, factor);
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
