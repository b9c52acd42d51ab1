using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>The identity, whose backward runs an action before it goes on to earlier layers. Arguments: input, <see cref="Action"/>.</summary>
internal sealed class ActInBackward : autograd.SingleTensorFunction<ActInBackward>
{
    public override string Name => nameof(ActInBackward);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        ctx.save_data("action", vars[1]);
        return ((Tensor)vars[0]).clone();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        ((Action)ctx.get_data("action"))();
        return [grad_output.clone(), null!];
    }
}
