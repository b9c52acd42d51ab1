using Convoy.Torch.Autograd;
using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;
using Convoy.Torch.Normalization;
using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>
/// <see cref="WinogradKernel{TElements}"/> with its gradients. Arguments: input (float32 or bfloat16, channels-last), weight (float32), <see cref="BackwardGuard"/>.
/// </summary>
internal sealed unsafe class WinogradFunction : autograd.SingleTensorFunction<WinogradFunction>
{
    private const string InputNeedsGradient = nameof(InputNeedsGradient);
    private const string WeightNeedsGradient = nameof(WeightNeedsGradient);

    public override string Name => nameof(WinogradFunction);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        Tensor input = (Tensor)vars[0], weight = (Tensor)vars[1];
        ctx.save_for_backward([input, weight]);
        ctx.save_data(nameof(BackwardGuard), vars[2]);
        ctx.save_data(InputNeedsGradient, input.requires_grad);
        ctx.save_data(WeightNeedsGradient, weight.requires_grad);
        ctx.set_materialize_grads(false); // TorchSharp would make them from a tensor that the dispose scope has freed.
        return WinogradConvolution.Convolve(input, weight);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var guard = (BackwardGuard)ctx.get_data(nameof(BackwardGuard));
        return guard.Run(3, grad_output, gradient =>
        {
            List<Tensor> saved = ctx.get_saved_variables();
            Tensor input = saved[0], weight = saved[1];
            bool wantsInput = (bool)ctx.get_data(InputNeedsGradient), wantsWeight = (bool)ctx.get_data(WeightNeedsGradient);
            if (is_grad_enabled())
            {
                // create_graph: through operations that libtorch can differentiate again.
                Tensor plain = nn.functional.conv2d(input, weight.to(input.dtype), strides: [1, 1], padding: [1, 1]);
                List<Tensor> wanted = [];
                wanted.AddRange(wantsInput ? [input] : []);
                wanted.AddRange(wantsWeight ? [weight] : []);
                IList<Tensor> gradients = autograd.grad([plain], wanted, [gradient], retain_graph: true, create_graph: true);
                return [wantsInput ? gradients[0] : null, wantsWeight ? gradients[^1] : null, null];
            }

            (Tensor dy, _) = ChannelLayout.Of(gradient, channelsLast: true);
            return
            [
                wantsInput ? WinogradConvolution.InputGradient(dy, weight) : null,
                wantsWeight ? WinogradConvolution.WeightGradient(input, dy) : null,
                null,
            ];
        });
    }
}
