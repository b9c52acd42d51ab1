using Convoy.Torch.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Optim;

/// <summary>A parameter of <see cref="FusedAdamW"/> and its moments, which lie in memory that all parameters of a group and type share.</summary>
internal sealed unsafe class FusedParameter
{
    private readonly ParamGroup _group;
    private readonly Tensor _averages;
    private readonly Tensor _squareAverages;
    private readonly long _offset;
    private readonly long[] _shape;
    private readonly long[] _strides;
    private Tensor? _average;
    private Tensor? _squareAverage;

    /// <param name="parameter">A dense float32 or float64 tensor on the CPU.</param>
    /// <param name="state">Its state, whose moments are moved.</param>
    /// <param name="group">Its group, whose options may change.</param>
    /// <param name="averages">The group's means of gradients.</param>
    /// <param name="squareAverages">The group's means of squared gradients.</param>
    /// <param name="offset">Where the parameter's begin in both, in elements.</param>
    public FusedParameter(Parameter parameter, AdamW.State state, ParamGroup group, Tensor averages, Tensor squareAverages, long offset)
    {
        (Parameter, State, _group, _averages, _squareAverages, _offset) = (parameter, state, group, averages, squareAverages, offset);
        (_shape, _strides) = (parameter.shape, parameter.stride());
        (Count, Dtype, ElementSize) = (parameter.numel(), parameter.dtype, parameter.element_size());
        PlaceMoments();
    }

    public Parameter Parameter { get; }

    public AdamW.State State { get; }

    public AdamW.Options Options => (AdamW.Options)_group.Options;

    /// <summary>The number of elements.</summary>
    public long Count { get; }

    /// <summary>Float32 or Float64.</summary>
    public ScalarType Dtype { get; }

    /// <summary>The bytes of an element.</summary>
    public long ElementSize { get; }

    /// <summary>Where the means of gradients lie.</summary>
    public byte* Average => TensorMemory.Address(_averages) + (_offset * ElementSize);

    /// <summary>Where the means of squared gradients lie.</summary>
    public byte* SquareAverage => TensorMemory.Address(_squareAverages) + (_offset * ElementSize);

    /// <exception cref="InvalidOperationException">The parameter is no more.</exception>
    public void RequireThere()
    {
        if (Parameter.IsInvalid)
        {
            throw new InvalidOperationException($"the parameter of shape [{string.Join(", ", _shape)}] was disposed or replaced after the optimizer was made. Convert and load the module first, then make the optimizer.");
        }
    }

    /// <summary>Moves the moments into the shared memory where something else, a loaded state for one, took their place.</summary>
    public void PlaceMoments()
    {
        Place(ref State.exp_avg, ref _average, _averages);
        Place(ref State.exp_avg_sq, ref _squareAverage, _squareAverages);
    }

    /// <summary>Whether a tensor's elements lie in memory in the order of the parameter's when the optimizer was made, without gaps.</summary>
    public bool HasSameOrder(Tensor tensor)
    {
        long[] strides = tensor.stride();
        for (int dimension = 0; dimension < strides.Length; dimension++)
        {
            if (strides[dimension] != _strides[dimension] && _shape[dimension] > 1)
            {
                return false;
            }
        }

        return true;
    }

    private void Place(ref Tensor moment, ref Tensor? placed, Tensor memory)
    {
        if (ReferenceEquals(moment, placed))
        {
            return;
        }

        Tensor given = moment;
        placed = memory.as_strided(_shape, FlatLayout.DenseStrides(Parameter), _offset).DetachFromDisposeScope();
        placed.copy_(given);
        given.Dispose();
        moment = placed;
    }
}
