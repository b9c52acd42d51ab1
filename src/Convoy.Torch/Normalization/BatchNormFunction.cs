using static TorchSharp.torch;

namespace Convoy.Torch.Normalization;

/// <summary>
/// Batch norm whose statistics and their gradients are those of all ranks' batches together. Arguments: input, weight and bias
/// (both may be null), <see cref="NormalizationContext"/>.
/// </summary>
internal sealed class BatchNormFunction : autograd.SingleTensorFunction<BatchNormFunction>
{
    public override string Name => nameof(BatchNormFunction);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var input = (Tensor)vars[0];
        var weight = (Tensor?)vars[1];
        var bias = (Tensor?)vars[2];
        var context = (NormalizationContext)vars[3];
        ctx.save_for_backward([input, weight!, bias!]);
        ctx.save_data(nameof(NormalizationContext), context);
        ctx.set_materialize_grads(false); // TorchSharp would make them from a tensor that the dispose scope has freed.
        if (input.numel() == 0)
        {
            return empty_like(input);
        }

        // libtorch normalises half types with statistics and weights in float32.
        ScalarType type = WideType(input.dtype);
        using var scope = NewDisposeScope();
        Tensor mean = tensor(context.Statistics.Mean, dtype: type), variance = tensor(context.Statistics.Variance, dtype: type);
        return nn.functional.batch_norm(input, mean, variance, weight?.to(type), bias?.to(type), training: false, momentum: 0, eps: context.Epsilon).MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var context = (NormalizationContext)ctx.get_data(nameof(NormalizationContext));
        return context.RunBackward(4, grad_output, gradient => Gradients(ctx, gradient, context));
    }

    /// <summary>The type in which libtorch's batch norm keeps statistics and weights for an input of <paramref name="type"/>.</summary>
    public static ScalarType WideType(ScalarType type) => type == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;

    private static Tensor?[] Gradients(autograd.AutogradContext ctx, Tensor given, NormalizationContext context)
    {
        List<Tensor> saved = ctx.get_saved_variables();
        Tensor input = saved[0];
        Tensor? weight = saved[1] is { IsInvalid: false } ? saved[1] : null, bias = saved[2] is { IsInvalid: false } ? saved[2] : null;
        Tensor gradient = given.IsInvalid ? zeros_like(input) : given;
        if (is_grad_enabled())
        {
            // create_graph: the gradients are to be differentiated again.
            return DifferentiableGradients.Compute(input, weight, bias is not null, gradient, context);
        }

        (Tensor x, ChannelLayout layout) = ChannelLayout.Of(input, context.Layout.ChannelsLast);
        (Tensor dy, _) = ChannelLayout.Of(gradient, layout.ChannelsLast);
        var pass = new BackwardPass(context, weight, bias);
        pass.AddUp<GradientSums>(new ChannelOperands(x, dy));
        Tensor? inputGradient = context.InputNeedsGradient ? pass.InputGradient<InputGradient>(x, dy).to(input.dtype) : null;
        return [inputGradient, pass.WeightGradient(), pass.BiasGradient(), null];
    }
}
