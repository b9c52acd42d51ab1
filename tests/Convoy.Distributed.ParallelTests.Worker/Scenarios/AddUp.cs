using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary><c>AddUp ELEMENTS</c>: one sum of so many floats.</summary>
internal static class AddUp
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        using Tensor values = arange(int.Parse(args[0], CultureInfo.InvariantCulture), int64).remainder(1000).to(float32);
        using Tensor expected = values * (group.Size * (group.Size + 1) / 2);
        values.mul_(group.Rank + 1);
        group.AllReduce(values, ReduceOp.Sum);
        Expect.Equal(expected, values, "the sum");
    }
}
