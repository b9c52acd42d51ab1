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

        using var scope = NewDisposeScope();
        if (input.dtype != ScalarType.Float16)
        {
            (Tensor x, ChannelLayout layout) = ChannelLayout.MakeDense(input, context.Layout.ChannelsLast);
            Tensor output = empty_like(x);
            ChannelPass.Run<Normalize>(new ChannelOperands(x, Result: output), layout, context.Constants(weight, bias), get_num_threads());
            return output.MoveToOuterDisposeScope();
        }

        // libtorch normalises float16 with statistics and weights in float32.
        Tensor mean = tensor(context.Statistics.Mean, dtype: ScalarType.Float32), variance = tensor(context.Statistics.Variance, dtype: ScalarType.Float32);
        return nn.functional.batch_norm(
            input, mean, variance, weight?.to(ScalarType.Float32), bias?.to(ScalarType.Float32), training: false, momentum: 0, eps: context.Epsilon).MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var context = (NormalizationContext)ctx.get_data(nameof(NormalizationContext));
        return context.RunBackward(ctx, 4, grad_output, gradient => Gradients(ctx, gradient, context));
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

        (Tensor x, ChannelLayout layout) = ChannelLayout.MakeDense(input, context.Layout.ChannelsLast);
        (Tensor dy, _) = ChannelLayout.MakeDense(gradient, layout.ChannelsLast);
        var pass = new BackwardPass(context, weight, bias);
        pass.AddUp<GradientSums>(new ChannelOperands(x, dy));
        Tensor? inputGradient = context.InputNeedsGradient ? pass.InputGradient<InputGradient>(x, dy).to(input.dtype) : null;
        return [inputGradient, pass.WeightGradient(), pass.BiasGradient(), null];
    }
}

/// <summary>
/// Batch norm as <see cref="BatchNormFunction"/>, the addition of a residual, if there is one, and ReLU, in one pass forward and two backward.
/// Arguments: input (float32, float64 or bfloat16, not empty), weight, bias and residual (each may be null), <see cref="NormalizationContext"/>.
/// </summary>
/// <remarks>
/// Without a residual the backward pass computes ReLU's output again instead of reading it. With one it needs the output, which the next layer
/// keeps anyway.
/// </remarks>
internal sealed class NormalizeReluFunction : autograd.SingleTensorFunction<NormalizeReluFunction>
{
    private const string HasResidual = nameof(HasResidual);

    public override string Name => nameof(NormalizeReluFunction);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var input = (Tensor)vars[0];
        var weight = (Tensor?)vars[1];
        var bias = (Tensor?)vars[2];
        var residual = (Tensor?)vars[3];
        var context = (NormalizationContext)vars[4];
        using var scope = NewDisposeScope();
        (Tensor x, ChannelLayout layout) = ChannelLayout.MakeDense(input, context.Layout.ChannelsLast);
        ChannelConstants constants = context.Constants(weight, bias);
        Tensor output = empty_like(x);
        if (residual is null)
        {
            ChannelPass.Run<NormalizeRelu>(new ChannelOperands(x, Result: output), layout, constants, get_num_threads());
        }
        else
        {
            (Tensor other, _) = ChannelLayout.MakeDense(residual, layout.ChannelsLast);
            ChannelPass.Run<NormalizeAddRelu>(new ChannelOperands(x, Other: other, Result: output), layout, constants, get_num_threads());
        }

        // The output itself would refer to this node, and this node to the output. TorchSharp saves when this method has returned.
        ctx.save_for_backward([input, weight!, bias!, residual is null ? null! : output.detach().MoveToOuterDisposeScope()]);
        ctx.save_data(nameof(NormalizationContext), context);
        ctx.save_data(HasResidual, residual is not null);
        ctx.set_materialize_grads(false); // See BatchNormFunction.
        return output.MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var context = (NormalizationContext)ctx.get_data(nameof(NormalizationContext));
        return context.RunBackward(ctx, 5, grad_output, gradient => Gradients(ctx, gradient, context));
    }

    private static Tensor?[] Gradients(autograd.AutogradContext ctx, Tensor given, NormalizationContext context)
    {
        bool hasResidual = (bool)ctx.get_data(HasResidual);
        List<Tensor> saved = ctx.get_saved_variables();
        Tensor input = saved[0];
        Tensor? weight = saved[1] is { IsInvalid: false } ? saved[1] : null, bias = saved[2] is { IsInvalid: false } ? saved[2] : null;
        Tensor gradient = given.IsInvalid ? zeros_like(input) : given;
        (Tensor x, ChannelLayout layout) = ChannelLayout.MakeDense(input, context.Layout.ChannelsLast);
        if (is_grad_enabled())
        {
            // create_graph. Where ReLU is flat does not depend on anything in a way that has a derivative.
            Tensor output = hasResidual ? saved[3] : Output(x, layout, context.Constants(weight, bias));
            Tensor masked = gradient * output.gt(0);
            Tensor?[] gradients = DifferentiableGradients.Compute(input, weight, bias is not null, masked, context);
            return [.. gradients[..3], hasResidual ? masked : null, null];
        }

        (Tensor dy, _) = ChannelLayout.MakeDense(gradient, layout.ChannelsLast);
        var pass = new BackwardPass(context, weight, bias);
        Tensor? residualGradient = null, inputGradient = null;
        if (hasResidual)
        {
            (Tensor output, _) = ChannelLayout.MakeDense(saved[3], layout.ChannelsLast);
            residualGradient = empty_like(x);
            pass.AddUp<AddReluGradientSums>(new ChannelOperands(x, dy, output, residualGradient));
            inputGradient = context.InputNeedsGradient ? pass.InputGradient<InputGradient>(x, residualGradient) : null;
        }
        else
        {
            pass.AddUp<ReluGradientSums>(new ChannelOperands(x, dy));
            inputGradient = context.InputNeedsGradient ? pass.InputGradient<ReluInputGradient>(x, dy) : null;
        }

        return [inputGradient, pass.WeightGradient(), pass.BiasGradient(), residualGradient, null];
    }

    private static Tensor Output(Tensor x, ChannelLayout layout, ChannelConstants constants)
    {
        using var noGradient = no_grad();
        Tensor output = empty_like(x);
        ChannelPass.Run<NormalizeRelu>(new ChannelOperands(x.detach(), Result: output), layout, constants, get_num_threads());
        return output;
    }
}

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
        return context.RunBackward(ctx, 4, grad_output, gradient => Gradients(ctx, gradient, context));
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
        (Tensor dy, _) = ChannelLayout.MakeDense(given.IsInvalid ? zeros_like(greatest) : given, channelsLast: true);
        var pass = new BackwardPass(context, weight, bias);
        pass.AddUp<PooledGradientSums>(new ChannelOperands(greatest, dy, places));
        Tensor? inputGradient = context.InputNeedsGradient
            ? NormalizeReluMaxPool.Backward(input, dy, places, pass.InputGradientConstants(), get_num_threads())
            : null;
        return [inputGradient, pass.WeightGradient(), pass.BiasGradient(), null];
    }
}
