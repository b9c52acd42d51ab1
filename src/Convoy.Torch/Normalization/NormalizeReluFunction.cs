using static TorchSharp.torch;

namespace Convoy.Torch.Normalization;

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
        (Tensor x, ChannelLayout layout) = ChannelLayout.Of(input, context.Layout.ChannelsLast);
        ChannelConstants constants = context.Constants(weight, bias);
        Tensor output = empty_like(x);
        if (residual is null)
        {
            ChannelPass.Run<NormalizeRelu>(new ChannelOperands(x, Result: output), layout, constants, get_num_threads());
        }
        else
        {
            (Tensor other, _) = ChannelLayout.Of(residual, layout.ChannelsLast);
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
        return context.RunBackward(5, grad_output, gradient => Gradients(ctx, gradient, context));
    }

    private static Tensor?[] Gradients(autograd.AutogradContext ctx, Tensor given, NormalizationContext context)
    {
        bool hasResidual = (bool)ctx.get_data(HasResidual);
        List<Tensor> saved = ctx.get_saved_variables();
        Tensor input = saved[0];
        Tensor? weight = saved[1] is { IsInvalid: false } ? saved[1] : null, bias = saved[2] is { IsInvalid: false } ? saved[2] : null;
        Tensor gradient = given.IsInvalid ? zeros_like(input) : given;
        (Tensor x, ChannelLayout layout) = ChannelLayout.Of(input, context.Layout.ChannelsLast);
        if (is_grad_enabled())
        {
            // create_graph. Where ReLU is flat does not depend on anything in a way that has a derivative.
            Tensor output = hasResidual ? saved[3] : Output(x, layout, context.Constants(weight, bias));
            Tensor masked = gradient * output.gt(0);
            Tensor?[] gradients = DifferentiableGradients.Compute(input, weight, bias is not null, masked, context);
            return [.. gradients[..3], hasResidual ? masked : null, null];
        }

        (Tensor dy, _) = ChannelLayout.Of(gradient, layout.ChannelsLast);
        var pass = new BackwardPass(context, weight, bias);
        Tensor? residualGradient = null, inputGradient = null;
        if (hasResidual)
        {
            (Tensor output, _) = ChannelLayout.Of(saved[3], layout.ChannelsLast);
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
