using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// The last rank has one batch less than the others, leaves as the first argument says (<c>dispose</c>, <c>return</c> without disposing anything,
/// <c>exit</c>, <c>fail</c> with exit code 3) and stays no longer. The second argument <c>debug</c> turns the comparison of calls on.
/// </summary>
internal static class UnevenBatches
{
    public static void Run(string[] args)
    {
        Environment.SetEnvironmentVariable("TORCH_DISTRIBUTED_DEBUG", args[1] == "debug" ? "DETAIL" : "OFF");
        ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        bool isLast = group.Rank == group.Size - 1;
        nn.Module<Tensor, Tensor> network = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3));
        var model = new DistributedDataParallel<Tensor, Tensor>(network, group);
        for (int batch = 0; batch < (isLast ? 2 : 3); batch++)
        {
            model.ZeroGrad();
            Pass.Run(model.Backward, model.call(randn(2, 4)).square().mean());
        }

        switch (args[0])
        {
            case "dispose":
                model.Dispose();
                group.Dispose();
                break;
            case "exit":
                Environment.Exit(0);
                break;
            case "fail":
                Environment.Exit(3);
                break;
        }

        GC.KeepAlive(group);
        GC.KeepAlive(model);
    }
}
