using Convoy.Distributed.Nn;
using Convoy.Distributed.Optim;
using Convoy.Training.Loops;
using Convoy.Training.Tasks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Accumulation, clipping, averaged weights, early stopping and metrics of a training loop, on several ranks.</summary>
internal static class LoopPieces
{
    private const int Micro = 4, Samples = 3, Features = 5;

    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        using var scope = NewDisposeScope();
        Accumulate(group, Micro);
        Accumulate(group, Micro - 1);
        Tensor plain = Average(group, zero: false, swaps: false);
        Expect.Equal(plain, Average(group, zero: false, swaps: true), "the weights of a run with swaps");
        Expect.Equal(plain, Average(group, zero: true, swaps: true), "the weights of a run with swaps whose ranks share the parameters");
        Stop(group);
        Measure(group);
    }

    // The update of several batches on several ranks is that of one model on all samples at once.
    private static void Accumulate(ProcessGroup group, int batches)
    {
        Linear whole = Network(), part = Network();
        using var model = new DistributedDataParallel<Tensor, Tensor>(part, group);
        Tensor samples = randn([group.Size * batches * Samples, Features], float64, generator: new Generator(9));

        // As in Accelerate, an incomplete group is divided by what a complete one has.
        (whole.call(samples).square().mean() * batches / Micro).backward();

        var accumulation = new GradientAccumulation(Micro, model.NoSync);
        for (int batch = 0; batch < batches; batch++)
        {
            using (accumulation.Begin(isLast: batch == batches - 1))
            {
                Tensor own = samples.narrow(0, ((batch * group.Size) + group.Rank) * Samples, Samples);
                model.Backward(accumulation.Scale(model.call(own).square().mean()));
            }

            Expect.True(accumulation.IsUpdate == (batch == batches - 1), $"update after batch {batch}");
        }

        Expect.Near(whole.weight!.grad!, part.weight!.grad!, 1e-13, $"the gradient of {batches} batches");
        double norm = GradientClipping.ClipNorm(whole.parameters(), 0.1);
        Expect.True(Math.Abs(norm - GradientClipping.ClipNorm(model.parameters(), 0.1)) < 1e-13, "norm");
        Expect.Near(whole.weight.grad!, part.weight.grad!, 1e-13, "the clipped gradient");
        model.ZeroGrad();
    }

    // The average is the same on all ranks, and training goes on after a swap as if there had been none.
    private static Tensor Average(ProcessGroup group, bool zero, bool swaps)
    {
        Linear network = Network();
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group);
        using optim.Optimizer optimizer = zero ? new ZeroRedundancyOptimizer(model.parameters(), group, parameters => optim.SGD(parameters, 0.1)) : optim.SGD(model.parameters(), 0.1);
        using var average = new ExponentialMovingAverage(model, decay: 0.5);
        for (int step = 0; step < 3; step++)
        {
            Tensor input = randn([Samples, Features], float64, generator: new Generator((ulong)((step * 10) + group.Rank)));
            model.Backward(model.call(input).square().mean());
            optimizer.step();
            model.ZeroGrad();
            average.Update();
            if (swaps)
            {
                average.Swap().Dispose();
            }
        }

        Tensor first = average.Tensors["weight"].clone();
        group.Broadcast(first, root: 0);
        Expect.Equal(first, average.Tensors["weight"], "the average");

        Tensor own = network.weight!.clone();
        using (average.Swap())
        {
            Expect.Equal(first, network.weight!, "the model's weights while swapped");
            group.Barrier();
            using IDisposable noGradient = no_grad();
            model.call(ones(1, Features, float64));
            group.Barrier();
        }

        Expect.Equal(own, network.weight!, "the weights after a swap");

        model.Backward(model.call(ones(1, Features, float64)).square().mean());
        optimizer.step();
        Tensor weight = network.weight.clone();
        group.Broadcast(weight, root: 0);
        Expect.Equal(weight, network.weight, "the weights of all ranks");
        return weight;
    }

    private static void Stop(ProcessGroup group)
    {
        var stopping = new EarlyStopping(group, patience: 1);
        Expect.True(!stopping.Check(2), "the first value");
        Expect.Throws<InvalidOperationException>(() => stopping.Check(group.Rank), "the ranks have different values to decide on");
        Expect.True(stopping.Check(2), "the second value, which is no better");
    }

    private static void Measure(ProcessGroup group)
    {
        var totals = new MetricTotals();
        totals.AddMean("loss", group.Rank, group.Rank + 1);
        totals.Add("right", 1);
        double weights = group.Size * (group.Size + 1) / 2.0, sum = Enumerable.Range(0, group.Size).Sum(rank => rank * (rank + 1.0));
        Expect.True(totals.Means(group)["loss"] == sum / weights, "the mean");
        Expect.True(totals.Sums(group)["right"] == group.Size, "the sum");

        var other = new MetricTotals();
        other.Add(group.Rank == 0 ? "accuracy" : "recall", 1);
        Expect.Throws<InvalidOperationException>(() => other.Means(group), "the ranks collected different metrics");
    }

    private static Linear Network()
    {
        random.manual_seed(5);
        return nn.Linear(Features, 2, dtype: float64);
    }
}
