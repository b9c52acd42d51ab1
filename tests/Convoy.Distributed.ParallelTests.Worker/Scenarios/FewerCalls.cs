using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>The last rank calls one operation less than the others and then nothing, until they have given up. Arguments: seconds of the timeout; whether in debug mode.</summary>
internal static class FewerCalls
{
    public static void Run(string[] args)
    {
        Environment.SetEnvironmentVariable("TORCH_DISTRIBUTED_DEBUG", args[1] == "debug" ? "DETAIL" : "OFF");
        Environment.SetEnvironmentVariable("CONVOY_FLIGHT_RECORDER_DIR", args[2]);
        var limit = TimeSpan.FromSeconds(double.Parse(args[0]));
        using ProcessGroup group = ProcessGroups.FromEnvironment(limit);
        using Tensor tensor = ones(4);
        group.Barrier();
        group.AllReduce(tensor);
        if (group.Rank == group.Size - 1)
        {
            using var never = new ManualResetEventSlim();
            never.Wait(limit + TimeSpan.FromSeconds(4));
            throw new InvalidOperationException("this rank did something else");
        }

        group.Broadcast(tensor, 0);
    }
}
