using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>The choice of kernels that the <see cref="Nn.TunedConv2d"/> layers of one network share. Not thread-safe.</summary>
public sealed class ConvolutionKernels
{
    private readonly Dictionary<ConvolutionKey, IConvolutionAlgorithm> _chosen = [];
    private HashSet<ConvolutionKey>? _observed;

    /// <summary>Makes a choice.</summary>
    /// <param name="table">The table; null for <see cref="KernelTable.Fixed"/>.</param>
    public ConvolutionKernels(KernelTable? table = null) => Table = table ?? KernelTable.Fixed;

    /// <summary>What layers go by, from their next forward pass on.</summary>
    public KernelTable Table
    {
        get;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
            _chosen.Clear();
        }
    }

    /// <summary>Passes for which layers asked so far, with what they got.</summary>
    public IReadOnlyDictionary<ConvolutionKey, string> Used => _chosen.ToDictionary(choice => choice.Key, choice => choice.Value.Name);

    /// <summary>
    /// Finds out which convolutions a network has: runs it with layers that give zeros of the right sizes in place of their results, which costs no arithmetic. What else the network does, it
    /// does, so running statistics and random generators have to be put back.
    /// </summary>
    /// <param name="forward">A forward pass as training has it, with gradients enabled.</param>
    /// <returns>Each pass of each size once, in the order in which they were met.</returns>
    public IReadOnlyList<ConvolutionKey> Observe(Action forward)
    {
        ArgumentNullException.ThrowIfNull(forward);
        _observed = [];
        try
        {
            forward();
            return [.. _observed];
        }
        finally
        {
            _observed = null;
        }
    }

    // Whether a pass is only observed; then the result is zeros, which need a gradient as the result would.
    internal Tensor? Observed(Tensor input, Tensor weight, in ConvolutionShape shape, ScalarType dtype)
    {
        if (_observed is null)
        {
            return null;
        }

        bool needsGradient = is_grad_enabled() && (input.requires_grad || weight.requires_grad);
        _observed.Add(new ConvolutionKey(shape, dtype, ConvolutionPass.Forward));

        // Without gradients, it may be a part of the network that is computed again in the backward pass.
        if (input.requires_grad || !is_grad_enabled())
        {
            _observed.Add(new ConvolutionKey(shape, dtype, ConvolutionPass.InputGradient));
        }

        if (weight.requires_grad)
        {
            _observed.Add(new ConvolutionKey(shape, dtype, ConvolutionPass.WeightGradient));
        }

        return zeros([shape.Batch, shape.OutHeight, shape.OutWidth, shape.OutChannels], dtype).permute(0, 3, 1, 2).requires_grad_(needsGradient);
    }

    internal IConvolutionAlgorithm Choose(in ConvolutionShape shape, ScalarType dtype, ConvolutionPass pass)
    {
        var key = new ConvolutionKey(shape, dtype, pass);
        if (!_chosen.TryGetValue(key, out IConvolutionAlgorithm? algorithm))
        {
            _chosen.Add(key, algorithm = Table.Choose(key));
        }

        return algorithm;
    }
}
