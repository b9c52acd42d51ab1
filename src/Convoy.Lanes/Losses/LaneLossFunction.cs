using Convoy.Torch.Autograd;
using Convoy.Torch.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Losses;

/// <summary>
/// <see cref="LaneLoss"/> and its gradient in one pass. Arguments: logits [N, 2, h, w] in float32, bfloat16 or float16, masks
/// [N, H, W], <see cref="LaneLoss"/>, <see cref="BackwardGuard"/>. The forward pass computes the gradient, too; the backward
/// pass only scales it.
/// </summary>
internal sealed unsafe class LaneLossFunction : autograd.SingleTensorFunction<LaneLossFunction>
{
    public override string Name => nameof(LaneLossFunction);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        Tensor logits = (Tensor)vars[0], masks = (Tensor)vars[1];
        var loss = (LaneLoss)vars[2];
        ctx.save_data(nameof(LaneLoss), loss);
        ctx.save_data(nameof(BackwardGuard), vars[3]);
        ctx.set_materialize_grads(false); // TorchSharp would make them from a tensor that the dispose scope has freed.
        using var scope = NewDisposeScope();

        // Widened first: a difference of two bf16 values is rarely one itself.
        Tensor differences = (logits.select(1, 1).to(ScalarType.Float32) - logits.select(1, 0).to(ScalarType.Float32)).contiguous();
        Tensor truth = (masks.element_size() == 1 ? masks : masks.to(ScalarType.Byte)).contiguous();
        Tensor gradient = empty_like(differences);
        var kernel = new LaneLossKernel((int)logits.shape[2], (int)logits.shape[3], (int)masks.shape[1], (int)masks.shape[2], loss.BackgroundWeight, loss.LaneWeight);
        double mean = kernel.Compute(
            (float*)TensorMemory.Address(differences), TensorMemory.Address(truth), (float*)TensorMemory.Address(gradient), (int)logits.shape[0], get_num_threads());

        // libtorch takes what is saved only after this returned.
        ctx.save_for_backward([logits, masks, gradient.MoveToOuterDisposeScope()]);
        return tensor((float)mean).MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var loss = (LaneLoss)ctx.get_data(nameof(LaneLoss));
        var guard = (BackwardGuard)ctx.get_data(nameof(BackwardGuard));
        return guard.Run(4, grad_output, gradient =>
        {
            List<Tensor> saved = ctx.get_saved_variables();
            Tensor logits = saved[0];
            if (is_grad_enabled())
            {
                // create_graph: through operations that libtorch can differentiate again.
                return [autograd.grad([loss.Plain(logits, saved[1])], [logits], [gradient], retain_graph: true, create_graph: true)[0], null, null, null];
            }

            Tensor lane = saved[2] * gradient;
            return [stack([-lane, lane], 3).to(logits.dtype).permute(0, 3, 1, 2), null, null, null];
        }, context: ctx);
    }
}
