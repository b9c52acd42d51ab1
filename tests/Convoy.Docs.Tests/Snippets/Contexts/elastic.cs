// Statements of a program that has its model, optimizer and data: a loop that goes on in the middle of an epoch.
using Convoy.Distributed;
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
        utils.data.Dataset data,
        int epochs)
    {
        // snippet
    }

    private sealed record Position(long Step, int Epoch, long SamplesDone);
}
