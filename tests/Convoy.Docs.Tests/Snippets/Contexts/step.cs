// Statements of a training loop: everything that it needs is there.
using Convoy.Distributed;
using Convoy.Distributed.Data;
using Convoy.Distributed.Nn;
using Convoy.Torch.Amp;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

internal static class Context
{
    public static void Run(
        ProcessGroup group,
        DistributedDataParallel<Tensor, Tensor> model,
        optim.Optimizer optimizer,
        GradScaler scaler,
        nn.Module<Tensor, Tensor, Tensor> criterion,
        Func<Tensor, Tensor, Tensor> loss_,
        Tensor images,
        Tensor labels,
        DistributedSampler sampler,
        int epochs,
        int epoch)
    {
        // snippet
    }
}
