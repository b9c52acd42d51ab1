using Convoy.Torch.Convolution;
using static TorchSharp.torch;

namespace Convoy.Torch.Nn;

/// <summary>
/// A convolution with the batch norm after it in one: in evaluation batch norm is the affine map g (x - mean) / sqrt(var + eps) + b of
/// each channel, which goes into the convolution's weights and a bias. [N, C, H, W] to [N, K, H / stride, W / stride].
/// Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018, section 3.2;
/// PyTorch's <c>torch.nn.utils.fusion.fuse_conv_bn_eval</c>.
/// </summary>
public sealed class FoldedConvolution : IDisposable
{
    // BatchNorm2d's default, which every batch norm of the lane detector has.
    private const double Epsilon = 1e-5;

    private readonly Tensor _weight;
    private readonly Tensor? _bias;
    private readonly bool _isWinograd;
    private readonly long[] _strides;
    private readonly long[] _padding;

    /// <summary>Folds in float64, and rounds once.</summary>
    /// <param name="state">The network's state; stays the caller's and is not changed.</param>
    /// <param name="convolution">The convolution's name in it.</param>
    /// <param name="norm">The name of the batch norm after it, or null where there is none.</param>
    /// <param name="stride">The convolution's stride; its padding is half its kernel.</param>
    /// <param name="layout">The type and order of the folded weights.</param>
    public FoldedConvolution(IReadOnlyDictionary<string, Tensor> state, string convolution, string? norm, long stride, FoldedLayout layout)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor weight = Wide(state[convolution + ".weight"]);
        Tensor? bias = state.TryGetValue(convolution + ".bias", out Tensor? own) ? Wide(own) : null;
        if (norm is not null)
        {
            Tensor scale = Wide(state[norm + ".weight"]) / (Wide(state[norm + ".running_var"]) + Epsilon).sqrt();
            Tensor mean = Wide(state[norm + ".running_mean"]);
            bias = Wide(state[norm + ".bias"]) + (((bias is null ? 0 : bias) - mean) * scale);
            weight = weight * scale.reshape(-1, 1, 1, 1);
        }

        _strides = [stride, stride];
        _padding = [weight.shape[2] / 2, weight.shape[3] / 2];
        _weight = layout.Weight(weight).DetachFromDisposeScope();
        _bias = bias?.to(layout.Dtype, copy: true).DetachFromDisposeScope();

        // One image has few tiles, and libtorch's bfloat16 convolution is twice as fast as its float32 one.
        _isWinograd = stride == 1 && weight.shape is [_, _, 3, 3] && layout.Dtype == ScalarType.Float32;
    }

    /// <summary>Convolves; without a history for gradients.</summary>
    public Tensor Call(Tensor input) => _isWinograd && WinogradConvolution.Fits(input, _weight, input.dtype)
        ? WinogradConvolution.Convolve(input, _weight, _bias)
        : nn.functional.conv2d(input, _weight, _bias, _strides, _padding);

    /// <inheritdoc/>
    public void Dispose()
    {
        _weight.Dispose();
        _bias?.Dispose();
    }

    private static Tensor Wide(Tensor tensor) => tensor.to(ScalarType.Float64);
}
