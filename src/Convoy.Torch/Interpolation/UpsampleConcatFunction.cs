using Convoy.Torch.Autograd;
using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;
using Convoy.Torch.Normalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Interpolation;

/// <summary>
/// <c>UpsampleConcat</c> with its gradient. Arguments: deep and skip, both channels-last in the same type, <see cref="BackwardGuard"/>.
/// </summary>
internal sealed unsafe class UpsampleConcatFunction : autograd.SingleTensorFunction<UpsampleConcatFunction>
{
    private const string Shapes = nameof(Shapes);

    public override string Name => nameof(UpsampleConcatFunction);

    /// <summary>The same through plain operations, for any device, type and layout.</summary>
    public static Tensor JoinPlainly(Tensor deep, Tensor skip)
    {
        using Tensor larger = nn.functional.interpolate(deep, [skip.shape[2], skip.shape[3]], mode: InterpolationMode.Bilinear, align_corners: false);
        return cat([larger, skip], 1);
    }

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        Tensor deep = (Tensor)vars[0], skip = (Tensor)vars[1];
        var shape = new UpsampleConcatShape(deep.shape, skip.shape);
        ctx.save_data(Shapes, shape);
        ctx.save_data(nameof(BackwardGuard), vars[2]);
        ctx.set_materialize_grads(false); // TorchSharp would make them from a tensor that the dispose scope has freed.
        using Tensor result = empty([shape.Batch, shape.Height, shape.Width, shape.Channels], deep.dtype);
        byte* from = TensorMemory.Address(deep), beside = TensorMemory.Address(skip), to = TensorMemory.Address(result);
        UpsampleConcatKernel.Forward(from, beside, to, deep.dtype, shape, get_num_threads());

        return result.permute(0, 3, 1, 2);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var shape = (UpsampleConcatShape)ctx.get_data(Shapes);
        var guard = (BackwardGuard)ctx.get_data(nameof(BackwardGuard));
        return guard.Run(3, grad_output, gradient => is_grad_enabled() ? Differentiable(gradient, shape) : Gradients(gradient, shape));
    }

    private static Tensor?[] Gradients(Tensor gradient, UpsampleConcatShape shape)
    {
        (Tensor joined, _) = ChannelLayout.MakeDense(gradient, channelsLast: true);
        Tensor deep = empty([shape.Batch, shape.DeepHeight, shape.DeepWidth, shape.DeepChannels], joined.dtype);
        Tensor skip = empty([shape.Batch, shape.Height, shape.Width, shape.SkipChannels], joined.dtype);
        UpsampleConcatKernel.Backward(TensorMemory.Address(joined), TensorMemory.Address(deep), TensorMemory.Address(skip), joined.dtype, shape, get_num_threads());


        // No views: libtorch adds to none in place.
        return [AutogradVersion.Alias(deep.permute(0, 3, 1, 2)), AutogradVersion.Alias(skip.permute(0, 3, 1, 2)), null];
    }

    // create_graph. The function is linear, so its gradient is the same wherever it is taken, and is itself a function of the
    // output's gradient alone.
    private static Tensor?[] Differentiable(Tensor gradient, UpsampleConcatShape shape)
    {
        Tensor deep = zeros([shape.Batch, shape.DeepChannels, shape.DeepHeight, shape.DeepWidth], gradient.dtype, requires_grad: true);
        Tensor skip = zeros([shape.Batch, shape.SkipChannels, shape.Height, shape.Width], gradient.dtype, requires_grad: true);
        IList<Tensor> gradients = autograd.grad([JoinPlainly(deep, skip)], [deep, skip], [gradient], retain_graph: true, create_graph: true);
        return [gradients[0], gradients[1], null];
    }
}
