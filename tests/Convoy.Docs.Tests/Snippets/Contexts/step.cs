// Statements of one step of a training loop: everything that it needs is there.
using Convoy.Distributed;
using Convoy.Distributed.Data;
using Convoy.Distributed.Nn;
using Convoy.Torch.Amp;
using TorchSharp;
using static TorchSharp.torch;

internal static class Context
{
    public static void Run(
        ProcessGroup group,
        DistributedDataParallel<Tensor, Tensor> model,
        optim.Optimizer optimizer,
        GradScaler scaler,
        nn.Module<Tensor, Tensor, Tensor> criterion,
        Tensor images,
        Tensor labels,
        int epoch,
        int epochs)
    {
        // snippet
    }
}
