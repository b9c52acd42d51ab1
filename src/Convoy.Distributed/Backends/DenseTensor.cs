using Convoy.Torch.Interop;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends;

/// <summary>A tensor's elements one after the other in memory: its own when it is contiguous, otherwise those of a copy.</summary>
internal readonly unsafe struct DenseTensor : IDisposable
{
    private readonly Tensor _tensor;
    private readonly Tensor? _copy;

    private DenseTensor(Tensor tensor, Tensor? copy)
    {
        _tensor = tensor;
        _copy = copy;
        Memory = TensorMemory.Address(copy ?? tensor);
        Bytes = tensor.numel() * tensor.element_size();
    }

    public byte* Memory { get; }

    public long Bytes { get; }

    /// <summary>For a tensor that is read, and perhaps written afterwards.</summary>
    public static DenseTensor From(Tensor tensor)
    {
        // A view that conj() made holds the values of its base.
        bool isLazy = tensor.is_conj() || tensor.is_neg();
        if (tensor.is_contiguous() && !isLazy)
        {
            return new DenseTensor(tensor, null);
        }

        using var noGradient = no_grad();
        if (!isLazy)
        {
            return new DenseTensor(tensor, tensor.contiguous().DetachFromDisposeScope());
        }

        using Tensor clone = tensor.clone();
        return new DenseTensor(tensor, clone.contiguous().DetachFromDisposeScope());
    }

    /// <summary>Like <see cref="From(Tensor)"/>, for several.</summary>
    public static DenseTensor[] From(IReadOnlyList<Tensor> tensors) => [.. tensors.Select(From)];

    /// <summary>Brings what was written into the memory to the tensor.</summary>
    public void CopyBack()
    {
        if (_copy is not null)
        {
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            _tensor.copy_(_copy);
        }
    }

    /// <summary>A tensor that keeps the memory, whatever becomes of this one.</summary>
    public Tensor Hold() => (_copy ?? _tensor).detach().DetachFromDisposeScope();

    public void Dispose() => _copy?.Dispose();
}
