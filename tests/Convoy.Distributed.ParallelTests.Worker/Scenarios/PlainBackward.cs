using System.Runtime.InteropServices;
using Convoy.Distributed.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// <c>loss.backward()</c> on wrapped models: whatever a pass is like, the gradients are those of one process that adds up what all ranks do and divides by their number.
/// </summary>
internal static class PlainBackward
{
    /// <summary>What a rank does: gets how to call the model, the module, and the rank.</summary>
    private delegate void Work(Func<Tensor, Tensor> call, Network network, int rank);

    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        Compare(group, "one pass", (call, _, rank) => Loss(call, rank, 0).backward());
        Compare(group, "two forward passes, one backward", (call, _, rank) => (Loss(call, rank, 0) + (2 * Loss(call, rank, 1))).backward());
        Compare(group, "two forward passes, two backward", (call, _, rank) =>
        {
            Tensor first = Loss(call, rank, 0), second = Loss(call, rank, 1);
            second.backward();
            first.backward();
        });
        Compare(group, "the same backward twice", (call, _, rank) =>
        {
            Tensor loss = Loss(call, rank, 0);
            autograd.backward([loss], retain_graph: true);
            loss.backward();
        });
        Compare(group, "two losses of one output", (call, _, rank) =>
        {
            Tensor output = call(Input(rank, 0));
            autograd.backward([output.square().mean()], retain_graph: true);
            output.abs().mean().backward();
        });
        Compare(group, "only a penalty", (_, network, rank) => (Penalty(network) * (rank + 1)).backward());
        Compare(group, "with a penalty", (call, network, rank) => (Loss(call, rank, 0) + (Penalty(network) * (rank + 1))).backward());
        Compare(group, "the input's gradient as a penalty", (call, _, rank) =>
        {
            Tensor input = Input(rank, 0).requires_grad_();
            Tensor output = call(input);
            Tensor gradient = autograd.grad([output.sum()], [input], retain_graph: true, create_graph: true)[0];
            (gradient.square().sum() + output.square().mean()).backward();
        });
        Compare(group, "gradients on one rank for itself", (call, network, rank) =>
        {
            Tensor loss = Loss(call, rank, 0);
            if (rank == 0)
            {
                autograd.grad([loss], [.. network.parameters()], retain_graph: true);
            }

            loss.backward();
        });
        Compare(group, "a part computed again in backward", (call, network, rank) =>
        {
            network.IsCheckpointed = true;
            Loss(call, rank, 0).backward();
        });
        Compare(group, "several tensors at once", (call, _, rank) => autograd.backward([Loss(call, rank, 0), Loss(call, rank, 1)]));
        Compare(group, "after a pass that failed", (call, network, rank) =>
        {
            Tensor failing = Loss(call, rank, 0);
            failing.backward();
            Expect.Throws<ExternalException>(failing.backward, "a second time");
            Clear(network);
            Loss(call, rank, 1).backward();
        });
        Compare(group, "evaluating in between", (call, network, rank) =>
        {
            Tensor loss = Loss(call, rank, 0);
            network.eval();
            using (no_grad())
            {
                call(Input(rank, 1));
            }

            network.train();
            loss.backward();
        });
        EqualsTheWrappersBackward(group);
        NoSync_GoesByForward(group);
        Refused_IsAnErrorAndLeavesTheModelUsable(group);
    }

    private static void Compare(ProcessGroup group, string what, Work work)
    {
        using var scope = NewDisposeScope();
        using var alone = new Network();
        for (int rank = 0; rank < group.Size; rank++)
        {
            // What a rank clears on the way are its own gradients.
            using var part = new Network();
            work(part.call, part, rank);
            foreach ((Parameter sum, Parameter own) in alone.parameters().Zip(part.parameters()))
            {
                sum.grad = sum.grad is null ? own.grad!.clone() : sum.grad + own.grad!;
            }
        }

        foreach (DistributedDataParallelOptions options in (DistributedDataParallelOptions[])[new(), new() { BucketCapMb = 1e-4, FirstBucketCapMb = 1e-4 }, new() { FindUnusedParameters = true, GradientAsBucketView = false }])
        {
            using var network = new Network();
            using var model = new DistributedDataParallel<Tensor, Tensor>(network, group, options);
            Expect.True(model.AveragesInBackward, "plain backward does not average");

            // The second time the buckets are new ones.
            for (int time = 0; time < 2; time++)
            {
                model.zero_grad();
                work(model.call, network, group.Rank);
                foreach ((Parameter expected, Parameter found) in alone.parameters().Zip(network.parameters()))
                {
                    Expect.Near(expected.grad! / group.Size, found.grad!, 1e-12, $"{what}, {options}");
                }
            }
        }
    }

    private static void EqualsTheWrappersBackward(ProcessGroup group)
    {
        using var scope = NewDisposeScope();
        using var first = new Network();
        using var second = new Network();
        var small = new DistributedDataParallelOptions { BucketCapMb = 1e-4, FirstBucketCapMb = 1e-4 };
        using var wrappers = new DistributedDataParallel<Tensor, Tensor>(first, group, small);
        using var plain = new DistributedDataParallel<Tensor, Tensor>(second, group, small);
        for (int step = 0; step < 3; step++)
        {
            wrappers.Backward(Loss(wrappers.call, group.Rank, step));
            Loss(plain.call, group.Rank, step).backward();
            foreach ((Parameter expected, Parameter found) in first.parameters().Zip(second.parameters()))
            {
                Expect.Equal(expected.grad!, found.grad!, $"bits after step {step}");
            }

            Expect.True(wrappers.LastBuckets.Count > 1 && wrappers.LastBuckets.Select(b => b.Bytes).SequenceEqual(plain.LastBuckets.Select(b => b.Bytes)), "buckets");
            Expect.True(plain.LastBuckets.All(b => b.ReadySeconds > 0 && b.ReadySeconds <= plain.LastTimings.BackwardSeconds && b.ExchangedSeconds is > 0 == group.Size > 1), "times of the buckets");
            Expect.True(plain.LastTimings is { ForwardSeconds: > 0, BackwardSeconds: > 0 }, plain.LastTimings.ToString());
        }
    }

    private static void NoSync_GoesByForward(ProcessGroup group)
    {
        using var scope = NewDisposeScope();
        using var network = new Network();
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group);
        Tensor own = Alone(group.Rank), mean = Enumerable.Range(0, group.Size).Select(Alone).Aggregate((a, b) => a + b) / group.Size;

        // Forward inside, backward outside: only adds up.
        Tensor loss;
        using (model.NoSync())
        {
            loss = Loss(model.call, group.Rank, 0);
        }

        loss.backward();
        Expect.Near(own, network.First.weight!.grad!, 1e-12, "forward inside, backward outside");

        // Forward outside, backward inside: averages, what was added up before, too.
        loss = Loss(model.call, group.Rank, 0);
        using (model.NoSync())
        {
            loss.backward();
        }

        Expect.Near(2 * mean, network.First.weight!.grad!, 1e-12, "forward outside, backward inside");

        // One of two forward passes outside: averages once, and again with the second.
        model.ZeroGrad();
        loss = Loss(model.call, group.Rank, 0);
        Tensor inside;
        using (model.NoSync())
        {
            inside = Loss(model.call, group.Rank, 0);
        }

        inside.backward();
        Expect.Near(mean, network.First.weight!.grad!, 1e-12, "the first backward after a forward outside");

        Tensor Alone(int rank)
        {
            using var alone = new Network();
            Loss(alone.call, rank, 0).backward();
            return alone.First.weight!.grad!.clone();
        }
    }

    private static void Refused_IsAnErrorAndLeavesTheModelUsable(ProcessGroup group)
    {
        using var scope = NewDisposeScope();
        using var network = new Network();
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group);
        Tensor loss = Loss(model.call, group.Rank, 0);
        Expect.Throws<ExternalException>(() => autograd.backward([loss], create_graph: true), "create_graph");
        loss = Loss(model.call, group.Rank, 0);
        Expect.Throws<ExternalException>(() => autograd.backward([loss], inputs: [network.First.weight!]), "Leave inputs out");
        model.ZeroGrad();
        Loss(model.call, group.Rank, 0).backward();
        using Tensor reference = network.First.weight!.grad!.clone();
        group.Broadcast(reference, 0);
        Expect.Equal(reference, network.First.weight!.grad!, "after the refusals");
    }

    private static void Clear(Network network)
    {
        using var noGradient = no_grad();
        foreach (Parameter parameter in network.parameters())
        {
            parameter.grad?.zero_();
        }
    }

    private static Tensor Loss(Func<Tensor, Tensor> call, int rank, int number) => call(Input(rank, number)).square().mean();

    private static Tensor Penalty(nn.Module network) => network.parameters().Select(p => p.square().sum()).Aggregate((a, b) => a + b);

    private static Tensor Input(int rank, int number)
    {
        using var generator = new Generator((ulong)((10 * rank) + number));
        return randn([3, 6], float64, generator: generator);
    }

    /// <summary>Two layers with equal weights in every process, of which the first may be computed again in backward.</summary>
    private sealed class Network : nn.Module<Tensor, Tensor>
    {
        private readonly Linear _last;

        public Network()
            : base(nameof(Network))
        {
            random.manual_seed(3);
            First = nn.Linear(6, 5, dtype: float64);
            _last = nn.Linear(5, 4, dtype: float64);
            RegisterComponents();
        }

        public Linear First { get; }

        public bool IsCheckpointed { get; set; }

        public override Tensor forward(Tensor input) =>
            _last.call((IsCheckpointed ? Checkpoint.apply(input.clone().requires_grad_(), (Func<Tensor, Tensor>)First.call) : First.call(input)).tanh());
    }

    /// <summary>Keeps no activations: backward computes the part again and runs a pass of its own over it. Arguments: input, what to compute.</summary>
    private sealed class Checkpoint : autograd.SingleTensorFunction<Checkpoint>
    {
        public override string Name => nameof(Checkpoint);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_for_backward([((Tensor)vars[0]).detach()]);
            ctx.save_data("part", vars[1]);
            using var noGradient = no_grad();
            return ((Func<Tensor, Tensor>)vars[1])((Tensor)vars[0]);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using var withGradient = enable_grad();
            Tensor input = ctx.get_saved_variables()[0].detach().requires_grad_();
            autograd.backward([((Func<Tensor, Tensor>)ctx.get_data("part"))(input)], [grad_output]);
            return [input.grad!, null!];
        }
    }
}
