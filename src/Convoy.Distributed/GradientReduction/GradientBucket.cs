using Convoy.Torch.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.GradientReduction;

/// <summary>One stretch of memory with the gradients of some parameters of one element type, which travel together (PyTorch's <c>GradBucket</c>).</summary>
public sealed class GradientBucket
{
    private readonly ParameterGradient[] _gradients;
    private readonly bool _isView;

    /// <param name="index">The bucket's place in the order of reduction.</param>
    /// <param name="isLast">Whether it is the last.</param>
    /// <param name="gradients">Gradients of one element type, in the order of the bucket.</param>
    /// <param name="group">Where the memory comes from.</param>
    /// <param name="isView">Whether the gradients lie in the bucket.</param>
    internal GradientBucket(int index, bool isLast, ParameterGradient[] gradients, ProcessGroup group, bool isView)
    {
        (Index, IsLast, _gradients, _isView) = (index, isLast, gradients, isView);
        Parameters = [.. gradients.Select(gradient => gradient.Parameter)];
        (long[] offsets, long count) = FlatLayout.Offsets(Parameters);

        // A bucket of nothing but empty parameters still needs an element to be allocated.
        Flat = group.AllocateBuffer(Math.Max(1, count), Parameters[0].dtype);
        Bytes = Flat.numel() * Flat.element_size();
        Gradients = [.. Parameters.Select((p, i) => Flat.as_strided(p.shape, FlatLayout.DenseStrides(p), offsets[i]).DetachFromDisposeScope())];
        for (int i = 0; i < gradients.Length; i++)
        {
            gradients[i].Place(isView ? Gradients[i] : null);
        }
    }

    /// <summary>The bucket's place in the order of reduction, from 0.</summary>
    public int Index { get; }

    /// <summary>Whether it is the last bucket of the backward pass.</summary>
    public bool IsLast { get; }

    /// <summary>All gradients of the bucket as one contiguous tensor; the gaps between them, up to 64 bytes each, are zeros.</summary>
    public Tensor Flat { get; }

    /// <summary>The gradients as views into <see cref="Flat"/>, with the shapes of <see cref="Parameters"/>.</summary>
    public IReadOnlyList<Tensor> Gradients { get; }

    /// <summary>The parameters that the gradients belong to, in the same order.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>The size of <see cref="Flat"/> in bytes.</summary>
    public long Bytes { get; }

    /// <summary>Whether backward has added to all gradients of the bucket; from any thread.</summary>
    internal bool HasArrived()
    {
        foreach (ParameterGradient gradient in _gradients)
        {
            if (!gradient.HasArrived)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The bucket is about to be averaged: copies the gradients in, unless they lie in it. From now on a change of them is noticed.</summary>
    /// <param name="keepUnused">Whether gradients that no pass has added to must keep their value.</param>
    internal void BeginReduction(bool keepUnused)
    {
        for (int i = 0; i < _gradients.Length; i++)
        {
            _gradients[i].BeginReduction(keepUnused);
            if (!_isView)
            {
                Gradients[i].copy_(_gradients[i].Gradient);
            }
        }
    }

    /// <summary>The bucket was averaged: copies the means back, unless the gradients lie in it.</summary>
    internal void EndReduction()
    {
        if (!_isView)
        {
            for (int i = 0; i < _gradients.Length; i++)
            {
                _gradients[i].Gradient.copy_(Gradients[i]);
            }
        }
    }

    /// <summary>Releases the memory; parameters whose gradients lie in it keep it alive.</summary>
    internal void Free()
    {
        foreach (Tensor gradient in Gradients)
        {
            gradient.Dispose();
        }

        Flat.Dispose();
    }
}
