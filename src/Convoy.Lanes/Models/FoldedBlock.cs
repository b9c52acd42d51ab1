using Convoy.Torch.Nn;
using static TorchSharp.torch;

namespace Convoy.Lanes.Models;

/// <summary><see cref="BasicBlock"/> for evaluation, its three batch norms folded into its convolutions.</summary>
internal sealed class FoldedBlock : IDisposable
{
    private readonly FoldedConvolution _first;
    private readonly FoldedConvolution _second;
    private readonly FoldedConvolution? _downsample;

    /// <summary>Folds the block called <paramref name="name"/>.</summary>
    /// <param name="state">The network's state.</param>
    /// <param name="name">The block's name in it, such as <c>layer2.0</c>.</param>
    /// <param name="stride">The block's stride.</param>
    /// <param name="layout">The type and order of the folded weights.</param>
    public FoldedBlock(IReadOnlyDictionary<string, Tensor> state, string name, long stride, FoldedLayout layout)
    {
        _first = new FoldedConvolution(state, $"{name}.conv1", $"{name}.bn1", stride, layout);
        _second = new FoldedConvolution(state, $"{name}.conv2", $"{name}.bn2", 1, layout);
        if (state.ContainsKey($"{name}.downsample.0.weight"))
        {
            _downsample = new FoldedConvolution(state, $"{name}.downsample.0", $"{name}.downsample.1", stride, layout);
        }
    }

    /// <summary>The block's output.</summary>
    public Tensor Call(Tensor input)
    {
        Tensor residual = _second.Call(_first.Call(input).relu_());
        return residual.add_(_downsample is null ? input : _downsample.Call(input)).relu_();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
        _downsample?.Dispose();
    }
}
