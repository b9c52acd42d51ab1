using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Parameters that a rank, or no rank, uses; buffers that differ before a forward pass. For two ranks and more.</summary>
internal static class UnusedParameters
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        ByDefault_IsAnError(group);
        Found_CountsAsZeroOrStays(group);
        Found_ByAnotherRankAndZeroed_StaysAsOnThatRank(group);
        Static_IsLearnedOnce(group);
        Buffers_AreThoseOfRankZero(group);
        RankWithoutData_CountsAsZero(group, new DistributedDataParallelOptions { GradientAsBucketView = false, BroadcastBuffers = false });
        RankWithoutData_CountsAsZero(group, new DistributedDataParallelOptions { FindUnusedParameters = true, BroadcastBuffers = false });
    }

    private static void RankWithoutData_CountsAsZero(ProcessGroup group, DistributedDataParallelOptions options)
    {
        using var network = new BranchNetwork();
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group, options);
        for (int step = 0; step < 3; step++)
        {
            model.ZeroGrad();
            if (step == 0 || group.Rank > 0)
            {
                Backward(model, network, options.FindUnusedParameters ? [0, 1] : [0, 1, 2]);
            }
            else
            {
                model.Reducer.ReduceZeros();
            }

            float mean = step == 0 ? 1 : 1 - (1f / group.Size);
            Expect.True(Math.Abs(network.Weight(0).grad!.item<float>() - mean) < 1e-6, $"step {step}: {network.Weight(0).grad!.item<float>()} instead of {mean}");
            Expect.True(network.Weight(2).grad is null == options.FindUnusedParameters, "not used by any rank");
        }
    }

    private static void ByDefault_IsAnError(ProcessGroup group)
    {
        using var network = new BranchNetwork();
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group);
        Backward(model, network, [0, 1, 2]);
        bool isLast = group.Rank == group.Size - 1;
        string error = Pass.Error(() => Backward(model, network, isLast ? [0] : [0, 1, 2]));
        Expect.True(isLast ? error.Contains("'weight1', 'weight2' on rank", StringComparison.Ordinal) : error.Length == 0, $"error '{error}'");
        Backward(model, network, [0, 1, 2]); // The ranks still agree where they are.
    }

    private static void Found_CountsAsZeroOrStays(ProcessGroup group)
    {
        using var network = new BranchNetwork();
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group, new DistributedDataParallelOptions { FindUnusedParameters = true });
        Backward(model, network, group.Rank == 0 ? [0, 1] : [0]);
        Expect.Equal(ones(1), network.Weight(0).grad!, "used by all");
        Expect.Equal(ones(1) / group.Size, network.Weight(1).grad!, "used by one rank");
        Expect.True(network.Weight(2).grad is null, "a gradient came to be that no rank computed");

        // What is there already stays as it is, to the bit.
        Tensor third = full([1], 1 / 3f + group.Rank);
        network.Weight(2).grad = third.clone();
        Backward(model, network, [0]);
        Expect.Equal(third, network.Weight(2).grad!, "not used, has a gradient");
        Expect.Equal(ones(1) * 2, network.Weight(0).grad!, "added up");

        // Zeroed and then not used: none, so that the optimizer leaves the parameter alone.
        model.zero_grad();
        Backward(model, network, [1]);
        Expect.True(network.Weight(0).grad is null && network.Weight(2).grad is null, "zeroed gradients came back");
        Expect.Equal(ones(1), network.Weight(1).grad!, "used again");
    }

    // Otherwise the optimizer would leave the parameter alone on some ranks only, and they would part.
    private static void Found_ByAnotherRankAndZeroed_StaysAsOnThatRank(ProcessGroup group)
    {
        using var network = new BranchNetwork();
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group, new DistributedDataParallelOptions { FindUnusedParameters = true });
        Backward(model, network, group.Rank == 0 ? [0, 1] : [0]);
        model.zero_grad(set_to_none: false);
        Backward(model, network, [0]);
        Expect.True(network.Weight(1).grad is not null, "a gradient is none on the ranks that had not computed it themselves");
        Expect.Equal(zeros(1), network.Weight(1).grad!, "zeroed");
    }

    private static void Static_IsLearnedOnce(ProcessGroup group)
    {
        using var network = new BranchNetwork();
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group, new DistributedDataParallelOptions { StaticGraph = true });
        for (int step = 1; step <= 3; step++)
        {
            Backward(model, network, [0, 2]);
            Expect.True(network.Weight(1).grad is null, "a gradient came to be that no rank computed");
            Expect.Equal(ones(1) * step, network.Weight(0).grad!, "used");
        }

        string error = Pass.Error(() => Backward(model, network, [0]));
        Expect.True(error.Contains("'weight2'", StringComparison.Ordinal) && error.Contains("StaticGraph", StringComparison.Ordinal), $"error '{error}'");
    }

    private static void Buffers_AreThoseOfRankZero(ProcessGroup group)
    {
        using var network = new BranchNetwork();
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group);
        Tensor own = full([1], 1f + group.Rank);
        network.Factor.copy_(own);
        using (no_grad())
        {
            Expect.Equal(own, model.call(ones(1)), "without gradients");
        }

        using (model.NoSync())
        {
            Expect.Equal(own, model.call(ones(1)).detach(), "without synchronisation");
        }

        model.eval();
        Expect.Equal(own, model.call(ones(1)).detach(), "evaluating");
        model.train();
        Expect.Equal(ones(1), model.call(ones(1)).detach(), "training");
        Expect.Equal(ones(1), network.Factor, "buffer");
    }

    private static void Backward(DistributedDataParallel<Tensor, Tensor> model, BranchNetwork network, int[] uses)
    {
        network.Uses = uses;
        using var scope = NewDisposeScope();
        Pass.Run(model.Backward, model.call(ones(1)).sum());
    }
}
