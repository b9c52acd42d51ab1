using static TorchSharp.torch;

namespace Convoy.Distributed.Nn.Normalization;

/// <summary>
/// The sum of all ranks' tensors, which can be differentiated: the gradient of each rank's tensor is the sum of all ranks'
/// gradients. Arguments: the tensor, <see cref="ProcessGroup"/>.
/// </summary>
internal sealed class AllReduceSum : autograd.SingleTensorFunction<AllReduceSum>
{
    public override string Name => nameof(AllReduceSum);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var group = (ProcessGroup)vars[1];
        ctx.save_data(nameof(ProcessGroup), group);
        Tensor sum = ((Tensor)vars[0]).clone();
        try
        {
            group.AllReduce(sum);
        }
        catch (DistributedException)
        {
            // This runs inside of libtorch's backward: see SyncBatchNormFunction.
            sum.fill_(double.NaN);
        }

        return sum;
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) =>
        [apply(grad_output, ctx.get_data(nameof(ProcessGroup))), null!];
}
