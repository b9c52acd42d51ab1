using Convoy.Distributed.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>One stretch of memory with the gradients of some parameters, each of which is a view into it.</summary>
internal sealed unsafe class GradientBucket : IDisposable
{
    // Each gradient starts at a cache line.
    private const long AlignmentBytes = 64;

    private readonly Parameter[] _parameters;
    private readonly Tensor[] _views;

    /// <param name="parameters">Parameters of one element type, in the order of the bucket.</param>
    /// <param name="group">Where the memory comes from.</param>
    public GradientBucket(IReadOnlyList<Parameter> parameters, ProcessGroup group)
    {
        _parameters = [.. parameters];
        _views = new Tensor[_parameters.Length];
        long perLine = AlignmentBytes / _parameters[0].element_size();
        long[] offsets = new long[_parameters.Length];
        long count = 0;
        for (int i = 0; i < _parameters.Length; i++)
        {
            offsets[i] = count;
            count += (_parameters[i].numel() + perLine - 1) / perLine * perLine;
        }

        // A bucket of nothing but empty parameters still needs an element to be allocated.
        Memory = group.AllocateBuffer(Math.Max(1, count), _parameters[0].dtype);
        for (int i = 0; i < _parameters.Length; i++)
        {
            _views[i] = Memory.as_strided(_parameters[i].shape, DenseStrides(_parameters[i]), offsets[i]).DetachFromDisposeScope();
            using Tensor? given = _parameters[i].grad;
            if (given is not null)
            {
                _views[i].copy_(given);
            }

            _parameters[i].grad = _views[i];
        }
    }

    /// <summary>All gradients of the bucket as one contiguous tensor; the gaps between them are zeros.</summary>
    public Tensor Memory { get; }

    /// <summary>Makes the views the parameters' gradients again where something else took their place, keeping the values.</summary>
    public void Adopt()
    {
        using var noGradient = no_grad();
        for (int i = 0; i < _parameters.Length; i++)
        {
            using Tensor? gradient = _parameters[i].grad;
            if (gradient is null)
            {
                _views[i].zero_();
            }
            else if (TensorMemory.Address(gradient) != TensorMemory.Address(_views[i]))
            {
                _views[i].copy_(gradient);
            }
            else
            {
                continue;
            }

            _parameters[i].grad = _views[i];
        }
    }

    public void Dispose()
    {
        // The parameters keep their gradients; the memory goes with the last of them.
        foreach (Tensor view in _views)
        {
            view.Dispose();
        }

        Memory.Dispose();
    }

    /// <summary>The parameter's own strides (channels-last weights keep theirs), unless they leave gaps or overlap.</summary>
    private static long[] DenseStrides(Parameter parameter)
    {
        long[] shape = parameter.shape, strides = parameter.stride();
        long expected = 1;
        foreach (int dimension in Enumerable.Range(0, shape.Length).Where(d => shape[d] > 1).OrderBy(d => strides[d]))
        {
            if (strides[dimension] != expected)
            {
                return ContiguousStrides(shape);
            }

            expected *= shape[dimension];
        }

        return strides;
    }

    private static long[] ContiguousStrides(long[] shape)
    {
        long[] strides = new long[shape.Length];
        long stride = 1;
        for (int dimension = shape.Length - 1; dimension >= 0; dimension--)
        {
            strides[dimension] = stride;
            stride *= Math.Max(1, shape[dimension]);
        }

        return strides;
    }
}
