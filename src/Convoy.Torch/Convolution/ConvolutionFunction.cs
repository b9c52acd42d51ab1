using Convoy.Torch.Autograd;
using Convoy.Torch.Normalization;
using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>A convolution whose three passes may be computed by different kernels. Arguments: input (float32 or bfloat16, channels-last), weight (float32), bias ([K], or null), <see cref="ConvolutionCall"/>.</summary>
internal sealed class ConvolutionFunction : autograd.SingleTensorFunction<ConvolutionFunction>
{
    private const string InputNeedsGradient = nameof(InputNeedsGradient);
    private const string WeightNeedsGradient = nameof(WeightNeedsGradient);
    private const string BiasNeedsGradient = nameof(BiasNeedsGradient);
    private const int Arguments = 4;

    public override string Name => nameof(ConvolutionFunction);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        (Tensor input, Tensor weight, var bias, var call) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor?)vars[2], (ConvolutionCall)vars[3]);
        ctx.save_for_backward([input, weight]);
        ctx.save_data(nameof(ConvolutionCall), call);
        ctx.save_data(InputNeedsGradient, input.requires_grad);
        ctx.save_data(WeightNeedsGradient, weight.requires_grad);
        ctx.save_data(BiasNeedsGradient, bias is not null && bias.requires_grad);
        ctx.set_materialize_grads(false); // TorchSharp would make them from a tensor that the dispose scope has freed.
        return call.Forward.Forward(input, call.Weight, bias?.to(ScalarType.Float32), call.Shape);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var call = (ConvolutionCall)ctx.get_data(nameof(ConvolutionCall));
        return call.Guard.Run(Arguments, grad_output, gradient =>
        {
            List<Tensor> saved = ctx.get_saved_variables();
            Tensor input = saved[0], weight = saved[1];
            Tensor? biasGradient = (bool)ctx.get_data(BiasNeedsGradient) ? gradient.sum([0, 2, 3], type: ScalarType.Float32) : null;
            bool wantsInput = (bool)ctx.get_data(InputNeedsGradient), wantsWeight = (bool)ctx.get_data(WeightNeedsGradient);
            if (is_grad_enabled())
            {
                if (!wantsInput && !wantsWeight)
                {
                    return [null, null, biasGradient, null];
                }

                // create_graph: through operations that libtorch can differentiate again.
                Tensor plain = nn.functional.conv2d(input, weight.to(input.dtype), strides: call.Shape.Strides, padding: call.Shape.Paddings);
                List<Tensor> wanted = [];
                wanted.AddRange(wantsInput ? [input] : []);
                wanted.AddRange(wantsWeight ? [weight] : []);
                IList<Tensor> gradients = autograd.grad([plain], wanted, [gradient], retain_graph: true, create_graph: true);
                return [wantsInput ? gradients[0] : null, wantsWeight ? gradients[^1] : null, biasGradient, null];
            }

            call.Weight.Resume(weight);
            (Tensor dy, _) = ChannelLayout.MakeDense(gradient, channelsLast: true);
            return
            [
                wantsInput ? call.InputGradient.InputGradient(dy, call.Weight, call.Shape) : null,
                wantsWeight ? call.WeightGradient.WeightGradient(input, dy, call.Shape) : null,
                biasGradient,
                null,
            ];
        }, context: ctx);
    }
}

/// <summary>What the passes of one call of a layer have to know besides the tensors.</summary>
/// <param name="Shape">The sizes.</param>
/// <param name="Weight">The layer's weights.</param>
/// <param name="Forward">Computes the result.</param>
/// <param name="InputGradient">Computes the input's gradient.</param>
/// <param name="WeightGradient">Computes the weights' gradient.</param>
/// <param name="Guard">What backward passes run under.</param>
internal sealed record ConvolutionCall(
    ConvolutionShape Shape, ConvolutionWeight Weight, IConvolutionAlgorithm Forward, IConvolutionAlgorithm InputGradient, IConvolutionAlgorithm WeightGradient, BackwardGuard Guard);
