using Convoy.Distributed.Nn.Channels;
using Convoy.Distributed.Nn.Normalization;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

// Batch norm with what usually follows it, in fewer passes over memory.
public sealed partial class SyncBatchNorm
{
    /// <summary>
    /// relu(norm(input) + residual) in one pass over memory forward and two backward, as NVIDIA Apex's <c>SyncBatchNorm(fuse_relu=True)</c>.
    /// The same to rounding as the single operations, to which it falls back in evaluation and for float16.
    /// </summary>
    /// <param name="input">As for <see cref="forward"/>.</param>
    /// <param name="residual">Added before ReLU, of the input's shape; null for none.</param>
    /// <returns>The input's shape, layout and type.</returns>
    /// <exception cref="ArgumentException">The input or the residual does not fit.</exception>
    /// <exception cref="InvalidOperationException">The input needs a gradient on some ranks only.</exception>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public Tensor NormalizeRelu(Tensor input, Tensor? residual = null)
    {
        ArgumentNullException.ThrowIfNull(input);
        Tensor? weight = get_parameter(nameof(weight)), bias = get_parameter(nameof(bias));
        RequireFitting(input, weight);
        if (residual is not null && !residual.shape.AsSpan().SequenceEqual(input.shape))
        {
            throw new ArgumentException($"SyncBatchNorm got a residual [{string.Join(", ", residual.shape)}] for an input [{string.Join(", ", input.shape)}]. Give both one shape.", nameof(residual));
        }

        using var scope = NewDisposeScope();
        if (!CanFuse(input) || (residual is not null && residual.dtype != input.dtype))
        {
            Tensor normalized = forward(input);
            return (residual is null ? normalized : normalized + residual).relu().MoveToOuterDisposeScope();
        }

        return NormalizeReluFunction.apply(input, weight!, bias!, residual!, Measure(input)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// max_pool2d(relu(norm(input)), kernel 3, stride 2, padding 1), a ResNet's first layers after its convolution, without writing the
    /// tensor between them. The same to rounding as the single operations, to which it falls back in evaluation, for float16 and
    /// for inputs that are not in channels-last order. Its gradients cannot be differentiated again.
    /// </summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <returns>[N, C, ceil(H / 2), ceil(W / 2)], in the input's layout and type.</returns>
    /// <inheritdoc cref="NormalizeRelu" path="/exception"/>
    public Tensor NormalizeReluMaxPool(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Tensor? weight = get_parameter(nameof(weight)), bias = get_parameter(nameof(bias));
        RequireFitting(input, weight);
        if (input.dim() != 4)
        {
            throw new ArgumentException($"NormalizeReluMaxPool got an input [{string.Join(", ", input.shape)}]. Give it [N, {Features}, H, W].", nameof(input));
        }

        using var scope = NewDisposeScope();
        if (!CanFuse(input) || !ChannelLayout.IsChannelsLast(input))
        {
            return nn.functional.max_pool2d(forward(input).relu(), 3, 2, 1).MoveToOuterDisposeScope();
        }

        return NormalizeReluMaxPoolFunction.apply(input, weight!, bias!, Measure(input)).MoveToOuterDisposeScope();
    }

    private bool CanFuse(Tensor input) =>
        training && input.numel() > 0 && input.dtype is (ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16);
}
