using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Trains unusual networks under all options. The weights must be those of one process that averages all ranks' gradients, the
/// same bits on all ranks, and the same bits whatever the options.
/// </summary>
internal static class MixedGraphs
{
    private const int Steps = 4;
    private const int Batch = 6;
    private const double LearningRate = 0.1;

    private static readonly DistributedDataParallelOptions[] Variants =
    [
        new(),
        new() { Overlap = false },
        new() { BucketCapMb = 0.0005, FirstBucketCapMb = 0.0002 },
        new() { BucketCapMb = 0.0005, FirstBucketCapMb = 0.0002, Overlap = false },
        new() { BucketCapMb = 0.001, GradientAsBucketView = false },
        new() { BucketCapMb = 0.001, StaticGraph = true },
        new() { BucketCapMb = 0.001, FindUnusedParameters = true },
    ];

    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        Compare(() => new MixedNetwork(), group);
        Compare(() => new RecurrentNetwork(), group);
    }

    private static void Compare(Func<nn.Module<Tensor, Tensor>> make, ProcessGroup group)
    {
        using var scope = NewDisposeScope();
        Tensor[] expected = TrainAlone(make, group.Size);
        Tensor[]? first = null;
        foreach (DistributedDataParallelOptions options in Variants)
        {
            Tensor[] weights = Train(make, group, options);
            first ??= weights;
            for (int i = 0; i < weights.Length; i++)
            {
                Expect.True(weights[i].allclose(expected[i], rtol: 1e-10, atol: 1e-12), $"{options}: parameter {i} differs from one process: {weights[i].cstr()} instead of {expected[i].cstr()}");
                Expect.Equal(first[i], weights[i], $"{options}: parameter {i} under other options");
                using Tensor reference = weights[i].clone();
                group.Broadcast(reference, 0);
                Expect.Equal(reference, weights[i], $"{options}: parameter {i} of rank {group.Rank}");
            }
        }
    }

    private static Tensor[] Train(Func<nn.Module<Tensor, Tensor>> make, ProcessGroup group, DistributedDataParallelOptions options)
    {
        random.manual_seed(11);
        using nn.Module<Tensor, Tensor> network = make();
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group, options);
        using optim.Optimizer optimizer = optim.SGD(Trained(model), LearningRate);
        for (int step = 0; step < Steps; step++)
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            using (model.NoSync())
            {
                Pass.Run(model.Backward, Loss(model, Input(step, group.Rank, 0)));
            }

            // Two forward passes before the one backward pass.
            Tensor second = Loss(model, Input(step, group.Rank, 1));
            Pass.Run(model.Backward, second + Loss(model, Input(step, group.Rank, 2)));
            optimizer.step();
        }

        return [.. model.parameters().Select(p => p.detach().clone())];
    }

    private static Tensor[] TrainAlone(Func<nn.Module<Tensor, Tensor>> make, int ranks)
    {
        random.manual_seed(11);
        using nn.Module<Tensor, Tensor> network = make();
        using optim.Optimizer optimizer = optim.SGD(Trained(network), LearningRate);
        for (int step = 0; step < Steps; step++)
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            for (int part = 0; part < 3 * ranks; part++)
            {
                (Loss(network, Input(step, part / 3, part % 3)) / ranks).backward();
            }

            optimizer.step();
        }

        return [.. network.parameters().Select(p => p.detach().clone())];
    }

    private static IEnumerable<TorchSharp.Modules.Parameter> Trained(nn.Module module) => module.parameters().Where(p => p.requires_grad);

    private static Tensor Loss(nn.Module<Tensor, Tensor> model, Tensor input) => model.call(input).square().mean();

    private static Tensor Input(int step, int rank, int pass)
    {
        using var generator = new Generator((ulong)((100 * step) + (10 * rank) + pass));
        return randn([Batch, MixedNetwork.Features], float64, generator: generator);
    }
}
