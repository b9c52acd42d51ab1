using Convoy.Distributed.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Modules of two and three inputs with tuples, lists and dictionaries as outputs: gradients of one process over all ranks' parts, by <c>loss.backward()</c>.</summary>
internal static class SeveralInputsAndOutputs
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        Compare<nn.Module<Tensor, Tensor, (Tensor, (Tensor, int))>>(group, "a tuple of two inputs", new Pair(), new Pair(), wrapped => new DistributedDataParallel<Tensor, Tensor, (Tensor, (Tensor, int))>(wrapped, group),
            (module, rank) =>
            {
                (Tensor first, (Tensor second, _)) = module.call(Input(rank, 0), Input(rank, 1));
                return (first * second).sum();
            });
        Compare<nn.Module<Tensor, Tensor, List<Tensor>>>(group, "a list of two inputs, of which one is used", new Several(), new Several(), wrapped => new DistributedDataParallel<Tensor, Tensor, List<Tensor>>(wrapped, group),
            (module, rank) => module.call(Input(rank, 0), Input(rank, 1))[rank % 2].square().sum());
        Compare<nn.Module<Tensor, Tensor, Tensor, Dictionary<string, Tensor>>>(group, "a dictionary of three inputs", new Named(), new Named(), wrapped => new DistributedDataParallel<Tensor, Tensor, Tensor, Dictionary<string, Tensor>>(wrapped, group),
            (module, rank) =>
            {
                Dictionary<string, Tensor> outputs = module.call(Input(rank, 0), Input(rank, 1), Input(rank, 2));
                return (outputs["product"] + outputs["sum"].square()).mean();
            });
        Join(group);
    }

    private static void Compare<TModule>(ProcessGroup group, string what, TModule alone, TModule network, Func<TModule, TModule> wrap, Func<TModule, int, Tensor> loss)
        where TModule : nn.Module
    {
        using var scope = NewDisposeScope();
        using TModule model = wrap(network);
        for (int rank = 0; rank < group.Size; rank++)
        {
            (loss(alone, rank) / group.Size).backward();
        }

        for (int step = 1; step <= 2; step++)
        {
            loss(model, group.Rank).backward();
            foreach ((Parameter expected, Parameter found) in alone.parameters().Zip(network.parameters()))
            {
                Expect.Near(expected.grad! * step, found.grad!, 1e-12, what);
            }
        }

        Expect.True(model.named_parameters().Select(p => p.name).SequenceEqual(network.named_parameters().Select(p => p.name)) && model.state_dict().Count == network.state_dict().Count, "names");
        alone.Dispose();
        model.Dispose();
        network.Dispose();
    }

    // The wrapper of three inputs takes part in a join as the others do.
    private static void Join(ProcessGroup group)
    {
        using var scope = NewDisposeScope();
        using var network = new Named();
        using var model = new DistributedDataParallel<Tensor, Tensor, Tensor, Dictionary<string, Tensor>>(network, group);
        int steps = 0;
        model.Join(() =>
        {
            for (; steps <= group.Rank; steps++)
            {
                model.call(Input(0, 0), Input(0, 1), Input(0, 2))["sum"].sum().backward();
            }
        });
        Expect.True(steps == group.Rank + 1, $"{steps} steps");
    }

    private static Tensor Input(int rank, int number)
    {
        using var generator = new Generator((ulong)((10 * rank) + number));
        return randn([3, 6], float64, generator: generator);
    }

    private static Linear Layer(int seed)
    {
        random.manual_seed(seed);
        return nn.Linear(6, 5, dtype: float64);
    }

    private sealed class Pair : nn.Module<Tensor, Tensor, (Tensor, (Tensor, int))>
    {
        private readonly Linear _first = Layer(1);
        private readonly Linear _second = Layer(2);

        public Pair()
            : base(nameof(Pair)) => RegisterComponents();

        public override (Tensor, (Tensor, int)) forward(Tensor input1, Tensor input2) => (_first.call(input1), (_second.call(input2), 7));
    }

    private sealed class Several : nn.Module<Tensor, Tensor, List<Tensor>>
    {
        private readonly Linear _only = Layer(1);

        public Several()
            : base(nameof(Several)) => RegisterComponents();

        public override List<Tensor> forward(Tensor input1, Tensor input2) => [_only.call(input1), _only.call(input2)];
    }

    private sealed class Named : nn.Module<Tensor, Tensor, Tensor, Dictionary<string, Tensor>>
    {
        private readonly Linear _first = Layer(1);
        private readonly Linear _second = Layer(2);

        public Named()
            : base(nameof(Named)) => RegisterComponents();

        public override Dictionary<string, Tensor> forward(Tensor input1, Tensor input2, Tensor input3)
        {
            Tensor first = _first.call(input1), second = _second.call(input2 * input3);
            return new() { ["product"] = first * second, ["sum"] = first + second, ["constant"] = input1 };
        }
    }
}
