using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>In debug mode, rank 1's third operation differs from the others': every rank must show both sides. Argument: in what it differs.</summary>
internal static class CheckedMismatch
{
    public static void Run(string[] args)
    {
        Environment.SetEnvironmentVariable("TORCH_DISTRIBUTED_DEBUG", "DETAIL");
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        using Tensor tensor = ones(4), wide = ones(3, 5), high = ones(5, 3), whole = ones([5, 3], int32);
        group.Barrier();
        group.AllReduceAsync(tensor).Wait();
        Expect.True(tensor[0].item<float>() == group.Size, "wrong sum");
        bool odd = group.Rank == 1;
        (Action call, string oddCall, string call0) = args[0] switch
        {
            "shape" => ((Action)(() => group.AllReduce(odd ? wide : high)), "AllReduce([3, 5] Float32, Sum)", "AllReduce([5, 3] Float32, Sum)"),
            "type" => (() => group.AllReduce(odd ? whole : high), "AllReduce([5, 3] Int32, Sum)", "AllReduce([5, 3] Float32, Sum)"),
            "op" => (() => group.AllReduce(high, odd ? ReduceOp.Max : ReduceOp.Sum), "AllReduce([5, 3] Float32, Max)", "AllReduce([5, 3] Float32, Sum)"),
            "root" => (() => group.Broadcast(high, odd ? 1 : 0), "Broadcast([5, 3] Float32, root 1)", "Broadcast([5, 3] Float32, root 0)"),
            "members" => (() => group.NewGroup(odd ? [0, 1] : [1, 0])?.Dispose(), "NewGroup(ranks 0, 1)", "NewGroup(ranks 1, 0)"),
            _ => (odd ? group.Barrier : () => group.AllReduce(high), "Barrier()", "AllReduce([5, 3] Float32, Sum)"),
        };
        string others = group.Size == 2 ? "rank 0" : "ranks 0, 2";
        string expected = $"rank 1 called {oddCall} as operation 3 of group default while {others} called {call0}. ";
        try
        {
            call();
        }
        catch (CollectiveMismatchException error)
        {
            Expect.True(error.Message.StartsWith(expected, StringComparison.Ordinal), error.Message);
            return;
        }

        throw new InvalidOperationException("nobody noticed");
    }
}
