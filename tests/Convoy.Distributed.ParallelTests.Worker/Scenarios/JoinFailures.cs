using Convoy.Distributed.Nn;
using Convoy.Distributed.UnevenInputs;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>What must not happen while ranks run out of inputs is told on all ranks. For three ranks.</summary>
internal static class JoinFailures
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        using var scope = NewDisposeScope();
        using nn.Module<Tensor, Tensor> network = nn.Linear(3, 1);
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group);
        Tensor input = ones(2, 3);
        void Step() => Pass.Run(model.Backward, model.call(input).sum());
        void Steps(int count)
        {
            for (int i = 0; i < count; i++)
            {
                Step();
            }
        }

        // All ranks throw, and can go on.
        var throwing = new JoinOptions { ThrowOnEarlyTermination = true };
        Expect.Throws<InvalidOperationException>(() => model.Join(() => Steps(group.Rank == 1 ? 1 : 2), throwing), "rank 1 has no more inputs while ranks 0, 2 have.");
        model.Join(() => Steps(2), throwing);

        using nn.Module<Tensor, Tensor> normed = nn.Sequential(nn.Linear(3, 3), new SyncBatchNorm(3, group));
        using var normedModel = new DistributedDataParallel<Tensor, Tensor>(normed, group);
        Expect.Throws<InvalidOperationException>(() => normedModel.Join(() => { }), "the model has SyncBatchNorm");

        // What else communicates meets ranks that are at another operation.
        Expect.Throws<DistributedException>(
            () => model.Join(() =>
            {
                if (group.Rank == 0)
                {
                    Step();
                    group.AllReduce(zeros([7]));
                }
            }),
            "AllReduce");
    }
}
