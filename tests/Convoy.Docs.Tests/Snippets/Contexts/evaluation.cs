// Statements after an evaluation: this rank's predictions are there.
using Convoy.Distributed;
using Convoy.Distributed.Data;
using static TorchSharp.torch;

internal static class Context
{
    public static void Run(ProcessGroup group, DistributedSampler share, Tensor predictions)
    {
        // snippet
    }
}
