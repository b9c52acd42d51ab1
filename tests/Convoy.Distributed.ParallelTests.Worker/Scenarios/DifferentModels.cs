using Convoy.Distributed.Errors;
using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Rank 1 builds another model than the others: every rank must name rank 1 and the first parameter that differs.</summary>
internal static class DifferentModels
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroup.FromEnvironment(TimeSpan.FromSeconds(60));
        using nn.Module<Tensor, Tensor> network = new SmallNetwork(group.Rank == 1 ? 12 : 16);
        try
        {
            using var model = new DistributedDataParallel<Tensor, Tensor>(network, group);
        }
        catch (ParameterMismatchException error)
        {
            Expect.True(error.Rank == 1 && error.Message.Contains("conv2.weight' (Float32 [12, 8, 3, 3])", StringComparison.Ordinal), error.Message);
            return;
        }

        throw new InvalidOperationException("nobody noticed");
    }
}
