// Statements of a program that has its model, optimizer and loader: the loop over the epochs, and what goes around it.
using Convoy.Distributed;
using Convoy.Distributed.Data;
using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

internal static class Context
{
    public static void Run(
        ProcessGroup group,
        DistributedDataParallel<Tensor, Tensor> model,
        optim.Optimizer optimizer,
        nn.Module<Tensor, Tensor, Tensor> criterion,
        DistributedSampler sampler,
        TorchSharp.Modules.DataLoader loader,
        utils.data.Dataset heldOut,
        int globalBatch,
        int epochs,
        Action<Dictionary<string, Tensor>> train)
    {
        // snippet
    }

    private static double Evaluate(DistributedDataParallel<Tensor, Tensor> model, ProcessGroup group) => group.Size + model.parameters().Count();
}
