using System.Diagnostics;
using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>The last rank dies between forward and backward, so that the others wait for it inside libtorch's backward.</summary>
internal static class LostPeerInBackward
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args, TimeSpan.FromSeconds(120));
        using nn.Module<Tensor, Tensor> network = SyncBatchNorm.Convert((nn.Module<Tensor, Tensor>)new SmallNetwork(), group);
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group);
        Tensor loss = model.call(randn(4, 3, 13, 11)).sum();
        if (group.Rank == group.Size - 1)
        {
            using var self = Process.GetCurrentProcess();
            self.Kill();
            new ManualResetEventSlim().Wait();
        }

        Pass.Run(model.Backward, loss);
    }
}
