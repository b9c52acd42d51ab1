// Statements of a program that has joined a group and has a network and a data set: what comes before the training loop, and the loop.
using Convoy.Distributed;
using TorchSharp;
using static TorchSharp.torch;

internal static class Context
{
    public static void Run(ProcessGroup group, nn.Module<Tensor, Tensor> net, utils.data.Dataset dataset, int globalBatch, int epochs)
    {
        // snippet
    }

    private static nn.Module<Tensor, Tensor, (Tensor Logits, Tensor Distance)> MakePairModel() => throw new NotSupportedException();

    private static void TrainOneStepOnRandomData(int batchSize) => throw new NotSupportedException($"{batchSize}");

    private static void Download(string folder) => throw new NotSupportedException(folder);
}
