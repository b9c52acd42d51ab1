using static TorchSharp.torch;

namespace Convoy.Torch.Nn;

/// <summary>
/// Batch norm with what follows it in a ResNet, written as one call, so that a layer that can do it in fewer passes over memory does: a <see cref="FusedBatchNorm"/> in training,
/// which <see cref="Fusion.Apply"/> puts in place of a network's batch norms. Any other module, such as TorchSharp's <c>BatchNorm2d</c>, is called and followed by plain operations.
/// </summary>
/// <remarks>Hooks of a layer that does it in one pass are not called.</remarks>
public static class NormActivation
{
    /// <summary>relu(norm(input)).</summary>
    /// <param name="norm">Batch norm, or what took its place.</param>
    /// <param name="input">[N, C, ...].</param>
    /// <returns>The input's shape.</returns>
    public static Tensor CallRelu(this nn.Module<Tensor, Tensor> norm, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(norm);
        return Fused(norm) is { } fused ? fused.NormalizeRelu(input) : norm.call(input).relu_();
    }

    /// <summary>relu(norm(input) + residual).</summary>
    /// <param name="norm">Batch norm, or what took its place.</param>
    /// <param name="input">[N, C, ...].</param>
    /// <param name="residual">Of the input's shape.</param>
    /// <returns>The input's shape.</returns>
    public static Tensor CallAddRelu(this nn.Module<Tensor, Tensor> norm, Tensor input, Tensor residual)
    {
        ArgumentNullException.ThrowIfNull(norm);
        ArgumentNullException.ThrowIfNull(residual);
        return Fused(norm) is { } fused ? fused.NormalizeRelu(input, residual) : norm.call(input).add_(residual).relu_();
    }

    /// <summary>max_pool2d(relu(norm(input)), kernel 3, stride 2, padding 1): a ResNet's stem behind its convolution.</summary>
    /// <param name="norm">Batch norm, or what took its place.</param>
    /// <param name="input">[N, C, H, W].</param>
    /// <returns>[N, C, ceil(H / 2), ceil(W / 2)].</returns>
    public static Tensor CallReluMaxPool(this nn.Module<Tensor, Tensor> norm, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(norm);
        return Fused(norm) is { } fused ? fused.NormalizeReluMaxPool(input) : nn.functional.max_pool2d(norm.call(input).relu_(), 3, stride: 2, padding: 1);
    }

    private static FusedBatchNorm? Fused(nn.Module<Tensor, Tensor> norm) => norm is FusedBatchNorm { FusesActivation: true, training: true } fused ? fused : null;
}
