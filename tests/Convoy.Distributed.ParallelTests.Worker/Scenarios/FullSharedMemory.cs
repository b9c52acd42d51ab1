using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary><c>FullSharedMemory joining | buffer | wrapping</c>: needs more shared memory than there is.</summary>
internal static class FullSharedMemory
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        switch (args[0])
        {
            case "buffer":
                group.AllocateBuffer(32 << 20, float32).Dispose();
                break;
            case "wrapping":
                using (nn.Module<Tensor, Tensor> network = nn.Linear(3000, 3000))
                {
                    new DistributedDataParallel<Tensor, Tensor>(network, group).Dispose();
                }

                break;
        }
    }
}
