using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Rank 1 builds another model than the others: every rank must name rank 1 and the first parameter that differs. With the argument <c>turned</c> the
/// parameter has as many elements in another shape, which no collective operation notices.
/// </summary>
internal static class DifferentModels
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        bool odd = group.Rank == 1, turned = args is ["turned"];
        using nn.Module<Tensor, Tensor> network = turned ? nn.Sequential(("head", nn.Linear(odd ? 5 : 3, odd ? 3 : 5, hasBias: false))) : new SmallNetwork(odd ? 12 : 16);
        string expected = turned
            ? "it has parameter 'head.weight' (Float32 [3, 5]) where rank 0 has parameter 'head.weight' (Float32 [5, 3])."
            : "conv2.weight' (Float32 [12, 8, 3, 3])";
        try
        {
            using var model = new DistributedDataParallel<Tensor, Tensor>(network, group);
        }
        catch (ParameterMismatchException error)
        {
            Expect.True(error.Rank == 1 && error.Message.Contains(expected, StringComparison.Ordinal), error.Message);
            return;
        }

        throw new InvalidOperationException("nobody noticed");
    }
}
