using Convoy.Distributed.Diagnostics;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary><c>ChosenBackend TYPE</c>: the group of the environment is of that type, and works.</summary>
internal static class ChosenBackend
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        Expect.Equal(args[0], group.GetType().Name, "the backend");
        using Tensor sum = full([1001], group.Rank + 1, int64), expected = full([1001], group.Size * (group.Size + 1) / 2, int64);
        group.AllReduce(sum);
        Expect.Equal(expected, sum, "the sum");
        Expect.True(group.Store is not null, "a store");
        group.MonitoredBarrier();
    }
}
