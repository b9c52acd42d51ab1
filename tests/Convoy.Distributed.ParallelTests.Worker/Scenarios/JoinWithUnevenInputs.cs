using System.Globalization;
using Convoy.Distributed.GradientReduction;
using Convoy.Distributed.Nn;
using Convoy.Distributed.Optim;
using Convoy.Distributed.UnevenInputs;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Trains with other numbers of batches on each rank, where the gradient of a batch is the batch itself. Arguments: the numbers,
/// one for each rank, such as <c>5,3,1</c>.
/// </summary>
internal static class JoinWithUnevenInputs
{
    private const int Width = 4;

    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        int[] batches = [.. args[0].Split(',').Select(number => int.Parse(number, CultureInfo.InvariantCulture))];
        using var scope = NewDisposeScope();
        ClosedForm(group, batches, new JoinOptions());
        ClosedForm(group, batches, new JoinOptions { DivideByInitialWorldSize = false });
        ClosedForm(group, batches, new JoinOptions(), new DistributedDataParallelOptions { FindUnusedParameters = true, GradientAsBucketView = false });
        OptimizerThatGoesOn(group, batches);
        SharedOutOptimizer(group, batches);
        BuffersAndHook(group, batches);
    }

    private static Tensor Batch(int rank, int step) => full([1, Width], (rank * 10) + step + 1.0);

    private static Tensor Gradient(int[] batches, int step, bool all)
    {
        int[] active = [.. Enumerable.Range(0, batches.Length).Where(rank => batches[rank] > step)];
        return active.Select(rank => Batch(rank, step)).Aggregate((a, b) => a + b) / (all ? batches.Length : active.Length);
    }

    private static Tensor Final(int[] batches, bool all = true, double momentum = 0)
    {
        Tensor weight = ones([1, Width]), velocity = zeros([1, Width]);
        for (int step = 0; step < batches.Max(); step++)
        {
            velocity = (velocity * momentum) + Gradient(batches, step, all);
            weight -= velocity * 0.01;
        }

        return weight;
    }

    private static nn.Module<Tensor, Tensor> Network()
    {
        var network = nn.Linear(Width, 1, hasBias: false);
        nn.init.ones_(network.weight);
        return network;
    }

    private static void ClosedForm(ProcessGroup group, int[] batches, JoinOptions options, DistributedDataParallelOptions? wrapping = null)
    {
        using nn.Module<Tensor, Tensor> network = Network();
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group, wrapping);
        using var optimizer = optim.SGD(model.parameters(), 0.01);
        var weight = network.get_parameter("weight")!;

        // Twice: the second round starts from where all ranks are equal again.
        for (int round = 0; round < 2; round++)
        {
            nn.init.ones_(weight);
            model.Join(() => Train(step =>
            {
                model.ZeroGrad();
                if (step % 2 == 1)
                {
                    // Half of it without synchronisation, which the others do not notice.
                    using (model.NoSync())
                    {
                        Pass.Run(model.Backward, model.call(Batch(group.Rank, step)).sum() * 0.5);
                    }
                }

                Pass.Run(model.Backward, model.call(Batch(group.Rank, step)).sum() * (step % 2 == 1 ? 0.5 : 1));
                Expect.Near(Gradient(batches, step, options.DivideByInitialWorldSize), weight.grad!, 1e-5, FormattableString.Invariant($"gradient of step {step}"));
                optimizer.step();
            }), options);
            Expect.Near(Final(batches, options.DivideByInitialWorldSize), weight, 1e-5, "weights");
            RequireSameOnAllRanks(group, weight);
        }

        // And without join as ever.
        model.ZeroGrad();
        Pass.Run(model.Backward, model.call(Batch(group.Rank, 0)).sum());
        Expect.Near(Gradient([.. batches.Select(_ => 1)], 0, true), weight.grad!, 1e-5, "gradient after the join");

        void Train(Action<int> step)
        {
            for (int i = 0; i < batches[group.Rank]; i++)
            {
                step(i);
            }
        }
    }

    private static void OptimizerThatGoesOn(ProcessGroup group, int[] batches)
    {
        using nn.Module<Tensor, Tensor> network = Network();
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group);
        using var optimizer = optim.SGD(model.parameters(), 0.01, momentum: 0.9);
        model.Join(
            () =>
            {
                for (int step = 0; step < batches[group.Rank]; step++)
                {
                    model.ZeroGrad();
                    Pass.Run(model.Backward, model.call(Batch(group.Rank, step)).sum());
                    optimizer.step();
                }
            },
            new JoinOptions { AfterShadowedBackward = () => optimizer.step() });
        Expect.Near(Final(batches, momentum: 0.9), network.get_parameter("weight")!, 1e-4, "weights");
        RequireSameOnAllRanks(group, ((TorchSharp.Modules.SGD.State)optimizer.state_dict().State[0]).momentum_buffer);
    }

    private static void SharedOutOptimizer(ProcessGroup group, int[] batches)
    {
        foreach (bool shares in new[] { true, false })
        {
            using nn.Module<Tensor, Tensor> network = Network();
            using var model = new DistributedDataParallel<Tensor, Tensor>(network, group);
            using var optimizer = new ZeroRedundancyOptimizer(model.parameters(), group, p => optim.SGD(p, 0.01, momentum: 0.9), new ZeroRedundancyOptions { ShareParameters = shares });
            Join.Run([model, optimizer], () =>
            {
                for (int step = 0; step < batches[group.Rank]; step++)
                {
                    optimizer.zero_grad();
                    Pass.Run(model.Backward, model.call(Batch(group.Rank, step)).sum());
                    optimizer.step();
                }
            });
            Expect.Near(Final(batches, momentum: 0.9), network.get_parameter("weight")!, 1e-4, "weights of a shared-out optimizer");
            RequireSameOnAllRanks(group, network.get_parameter("weight")!);
        }
    }

    private static void BuffersAndHook(ProcessGroup group, int[] batches)
    {
        using nn.Module<Tensor, Tensor> network = nn.Sequential(nn.BatchNorm1d(Width), nn.Linear(Width, 6), nn.ReLU(), nn.Linear(6, 2));
        using var hook = new PowerSGDHook(new PowerSGDOptions { StartPowerSGDIteration = 1, MinCompressionRate = 1, CommunicationType = float16 });
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group);
        model.RegisterCommunicationHook(hook);
        using var optimizer = optim.SGD(model.parameters(), 0.01);
        model.Join(() =>
        {
            for (int step = 0; step < batches[group.Rank]; step++)
            {
                model.ZeroGrad();
                Pass.Run(model.Backward, model.call(randn(5, Width) + group.Rank).square().mean());
                optimizer.step();
            }
        });
        Expect.True(hook.Iteration == batches.Max(), FormattableString.Invariant($"{hook.Iteration} passes"));
        foreach (Tensor tensor in network.state_dict().Values)
        {
            RequireSameOnAllRanks(group, tensor);
        }
    }

    private static void RequireSameOnAllRanks(ProcessGroup group, Tensor tensor)
    {
        Tensor reference = tensor.detach().clone();
        group.Broadcast(reference, group.Size - 1);
        Expect.Equal(reference, tensor, $"a tensor of rank {group.Rank}");
    }
}
