using Convoy.Distributed.GradientReduction;
using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Trains a small network with gradients of rank 1, also with a stop half way.</summary>
internal static class PowerSGDTraining
{
    private const int Steps = 60;

    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        using var scope = NewDisposeScope();
        (_, double exact, _) = Train(group, stopAt: null, compresses: false);
        (double first, double last, Tensor[] weights) = Train(group, stopAt: null);
        Expect.True(last < first / 3 && last < 1.5 * exact, FormattableString.Invariant($"the loss went from {first} to {last}, with exact gradients to {exact}"));
        foreach (Tensor weight in weights)
        {
            Tensor reference = weight.clone();
            group.Broadcast(reference, 0);
            Expect.Equal(reference, weight, $"a weight of rank {group.Rank}");
        }

        (_, _, Tensor[] resumed) = Train(group, stopAt: 25);
        for (int i = 0; i < weights.Length; i++)
        {
            Expect.Equal(weights[i], resumed[i], "a weight after a stop");
        }
    }

    private static (double First, double Last, Tensor[] Weights) Train(ProcessGroup group, int? stopAt, bool compresses = true)
    {
        random.manual_seed(3);
        using nn.Module<Tensor, Tensor> network = nn.Sequential(nn.Linear(10, 24), nn.Tanh(), nn.Linear(24, 6));
        using var generator = new Generator((ulong)(20 + group.Rank));
        Tensor inputs = randn([32, 10], float32, generator: generator);
        Tensor targets = (inputs.narrow(1, 0, 6) + inputs.narrow(1, 4, 6)) * 0.5;
        var losses = new List<double>();
        Dictionary<string, Tensor>? state = null;
        int done = 0;
        foreach (int end in stopAt is null ? [Steps] : new[] { stopAt.Value, Steps })
        {
            using var hook = new PowerSGDHook(new PowerSGDOptions { StartPowerSGDIteration = compresses ? 5 : Steps, MinCompressionRate = 1 });
            using var model = new DistributedDataParallel<Tensor, Tensor>(network, group, new DistributedDataParallelOptions { BucketCapMb = 0.001, FirstBucketCapMb = 0.0001 });
            using var optimizer = optim.SGD(network.parameters(), 0.5);
            model.RegisterCommunicationHook(hook);
            if (state is not null)
            {
                hook.LoadStateDict(state, network.named_parameters());
            }

            for (; done < end; done++)
            {
                model.ZeroGrad();
                Tensor loss = nn.functional.mse_loss(model.call(inputs), targets);
                Pass.Run(model.Backward, loss);
                optimizer.step();
                Tensor mean = loss.detach().clone();
                group.AllReduce(mean, ReduceOp.Average);
                losses.Add(mean.item<float>());
            }

            Expect.True(hook.SentElements < hook.GradientElements * 0.7 || !compresses, $"{hook.GradientElements} elements were sent as {hook.SentElements}");
            state = hook.StateDict(network.named_parameters());
        }

        return (losses[0], losses[^1], [.. network.parameters().Select(p => p.detach().clone())]);
    }
}
