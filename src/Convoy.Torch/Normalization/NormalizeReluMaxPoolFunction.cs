using static TorchSharp.torch;

namespace Convoy.Torch.Normalization;

/// <summary>
/// Batch norm as <see cref="BatchNormFunction"/>, ReLU and a max-pool of 3x3, stride 2, padding 1. Arguments: input (channels last, float32,
/// float64 or bfloat16, not empty), weight and bias (both may be null), <see cref="NormalizationContext"/>. Its gradients cannot be differentiated again.
/// </summary>
internal sealed class NormalizeReluMaxPoolFunction : autograd.SingleTensorFunction<NormalizeReluMaxPoolFunction>
{
    public override string Name => nameof(NormalizeReluMaxPoolFunction);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var input = (Tensor)vars[0];
        var weight = (Tensor?)vars[1];
        var bias = (Tensor?)vars[2];
        var context = (NormalizationContext)vars[3];
        using var scope = NewDisposeScope();
        (Tensor output, Tensor greatest, Tensor places) = NormalizeReluMaxPool.Forward(input, context.Constants(weight, bias), get_num_threads());
        // TorchSharp saves when this method has returned.
        ctx.save_for_backward([input, weight!, bias!, greatest.MoveToOuterDisposeScope(), places.MoveToOuterDisposeScope()]);
        ctx.save_data(nameof(NormalizationContext), context);
        ctx.set_materialize_grads(false); // See BatchNormFunction.
        return output.MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var context = (NormalizationContext)ctx.get_data(nameof(NormalizationContext));
        return context.RunBackward(4, grad_output, gradient => Gradients(ctx, gradient, context));
    }

    private static Tensor?[] Gradients(autograd.AutogradContext ctx, Tensor given, NormalizationContext context)
    {
        if (is_grad_enabled())
        {
            throw new NotSupportedException("the fused batch norm, ReLU and max-pool has no second derivative. Use the three layers for create_graph.");
        }

        List<Tensor> saved = ctx.get_saved_variables();
        Tensor input = saved[0], greatest = saved[3], places = saved[4];
        Tensor? weight = saved[1] is { IsInvalid: false } ? saved[1] : null, bias = saved[2] is { IsInvalid: false } ? saved[2] : null;
        (Tensor dy, _) = ChannelLayout.Of(given.IsInvalid ? zeros_like(greatest) : given, channelsLast: true);
        var pass = new BackwardPass(context, weight, bias);
        pass.AddUp<PooledGradientSums>(new ChannelOperands(greatest, dy, places));
        Tensor? inputGradient = context.InputNeedsGradient
            ? NormalizeReluMaxPool.Backward(input, dy, places, pass.InputGradientConstants(), get_num_threads())
            : null;
        return [inputGradient, pass.WeightGradient(), pass.BiasGradient(), null];
    }
}
