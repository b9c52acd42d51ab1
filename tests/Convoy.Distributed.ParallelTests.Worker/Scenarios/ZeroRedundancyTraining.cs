using Convoy.Distributed.Nn;
using Convoy.Distributed.Optim;
using Convoy.Torch.Optim;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Trains one network with a plain optimizer and its twin with a shared-out one. Arguments: <c>adamw</c>, <c>fused</c> or <c>sgd</c>, <c>apart</c>, <c>one-parameter</c>.</summary>
internal static class ZeroRedundancyTraining
{
    private const int Updates = 5;

    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        using var scope = NewDisposeScope();
        using nn.Module<Tensor, Tensor> network = Network(args), twin = Network(args);
        twin.load_state_dict(network.state_dict());
        using var plainModel = new DistributedDataParallel<Tensor, Tensor>(network, group);
        using var model = new DistributedDataParallel<Tensor, Tensor>(twin, group);
        Func<IReadOnlyList<Parameter>, optim.Optimizer> make = args.Contains("sgd") ? p => optim.SGD(p, 0.1, momentum: 0.9, weight_decay: 0.01)
            : args.Contains("fused") ? p => new FusedAdamW(p, 0.01, weight_decay: 0.1)
            : p => optim.AdamW(p, 0.01, amsgrad: true);
        using optim.Optimizer plain = make([.. plainModel.parameters()]);
        using var zero = new ZeroRedundancyOptimizer(model.parameters(), group, make, new ZeroRedundancyOptions { ShareParameters = !args.Contains("apart") });
        Expect.True(zero.SharesParameters == (!args.Contains("apart") && Groups.Hosts(args) is null), "whether parameters are shared");
        Expect.True(zero.LocalParameters.Count == zero.Owners.Count(owner => owner == group.Rank), "local parameters");
        optim.lr_scheduler.LRScheduler plainSchedule = optim.lr_scheduler.StepLR(plain, 2, 0.5), schedule = optim.lr_scheduler.StepLR(zero, 2, 0.5);
        for (int update = 0; update < Updates; update++)
        {
            using var step = NewDisposeScope();
            Tensor input = randn([4, 3, 9, 9], float32, generator: new Generator((ulong)((update * 10) + group.Rank)));
            plain.zero_grad();
            zero.zero_grad();
            Expect.True(model.parameters().All(p => p.grad is null || p.grad.abs().sum().item<float>() == 0), "zeroed gradients");
            Pass.Run(plainModel.Backward, plainModel.call(input).square().mean());
            Pass.Run(model.Backward, model.call(input).square().mean());
            plain.step();
            zero.step();
            plainSchedule.step();
            schedule.step();
            RequireEqual(network, twin, $"after update {update}");
        }

        Expect.True(zero.ParamGroups.First().LearningRate == plain.ParamGroups.First().LearningRate, "learning rates");
        State(group, plain, zero, make);

        // Who still uses the memory keeps it.
        zero.Dispose();
        RequireEqual(network, twin, "after the end");
    }

    private static nn.Module<Tensor, Tensor> Network(string[] args)
    {
        random.manual_seed(5);
        return args.Contains("one-parameter") ? nn.Conv2d(3, 4, 3, bias: false) : new SmallNetwork(12);
    }

    private static void RequireEqual(nn.Module network, nn.Module twin, string when)
    {
        foreach (((string name, Tensor expected), (_, Tensor actual)) in network.state_dict().Select(e => (e.Key, e.Value)).Zip(twin.state_dict().Select(e => (e.Key, e.Value))))
        {
            Expect.Equal(expected, actual, $"{name} {when}");
        }
    }

    // The parts together are the plain optimizer's state, and go back to where they came from.
    private static void State(ProcessGroup group, optim.Optimizer plain, ZeroRedundancyOptimizer zero, Func<IReadOnlyList<Parameter>, optim.Optimizer> make)
    {
        int root = group.Size - 1;
        using optim.Optimizer? whole = zero.ConsolidateState(root);
        Expect.True((whole is not null) == (group.Rank == root), "who gets the state");
        if (whole is not null)
        {
            RequireEqual(((OptimizerHelper)plain).state_dict().State, ((OptimizerHelper)whole).state_dict().State);
            Expect.True(whole.ParamGroups.First().LearningRate == plain.ParamGroups.First().LearningRate, "learning rate of the whole");
        }

        using var other = new ZeroRedundancyOptimizer(zero.parameters(), group, make, new ZeroRedundancyOptions { ShareParameters = false });
        other.LoadState(whole, root);
        if (zero.LocalParameters.Count > 0)
        {
            RequireEqual(((OptimizerHelper)zero.LocalOptimizer).state_dict().State, ((OptimizerHelper)other.LocalOptimizer).state_dict().State);
            Expect.True(other.StateBytes == zero.StateBytes && zero.StateBytes > 0, "bytes");
        }
    }

    private static void RequireEqual(List<OptimizerState> expected, List<OptimizerState> actual)
    {
        Expect.True(expected.Count == actual.Count, $"{expected.Count} states, {actual.Count} found");
        foreach ((OptimizerState a, OptimizerState b) in expected.Zip(actual))
        {
            if (a is AdamW.State adam)
            {
                var found = (AdamW.State)b;
                Expect.True(adam.step == found.step && adam.step == Updates, $"{adam.step} steps, {found.step} found");
                Expect.Equal(adam.exp_avg, found.exp_avg, nameof(adam.exp_avg));
                Expect.Equal(adam.exp_avg_sq, found.exp_avg_sq, nameof(adam.exp_avg_sq));
                Expect.True(adam.max_exp_avg_sq is null == found.max_exp_avg_sq is null, "whether there is a maximum");
                if (adam.max_exp_avg_sq is not null)
                {
                    Expect.Equal(adam.max_exp_avg_sq, found.max_exp_avg_sq!, nameof(adam.max_exp_avg_sq));
                }
            }
            else
            {
                Expect.Equal(((SGD.State)a).momentum_buffer, ((SGD.State)b).momentum_buffer, "momentum");
            }
        }
    }
}
