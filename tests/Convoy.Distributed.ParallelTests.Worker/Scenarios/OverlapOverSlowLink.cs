using System.Globalization;
using Convoy.Distributed.Diagnostics;
using Convoy.Distributed.GradientReduction;
using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Trains over a link whose all-reduces together take half as long as backward, and traces it. Prints the seconds of a step's
/// backward, communication in all and exposed communication, and the number of buckets. Argument: the trace's folder.
/// </summary>
internal static class OverlapOverSlowLink
{
    private const int Layers = 12, Width = 512, Rows = 1024, Steps = 6;

    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        random.manual_seed(0);
        using Tensor input = randn(Rows, Width);
        TimeSpan latency = TimeSpan.FromSeconds(0.5 * SlowestBackward(input, group) / Layers);

        using var slow = new ProcessGroupSlowed(group, latency, double.PositiveInfinity);
        using var trace = new TraceRecorder(group.Rank, TraceFile.PathFor(args[0], group.Rank), new TraceSteps(3, Steps));
        using IDisposable observing = slow.Observe(trace);
        using nn.Module<Tensor, Tensor> network = Network();
        using DistributedDataParallel<Tensor, Tensor> model = Wrap(network, slow);
        double backward = 0, communication = 0, exposed = 0;
        bool seenEarly = false;
        for (int step = 1; step <= Steps; step++)
        {
            trace.StartStep();
            Step(model, input, trace);
            if (step >= 3)
            {
                backward += model.LastTimings.BackwardSeconds;
                communication += model.LastTimings.CommunicationTotalSeconds;
                exposed += model.LastTimings.CommunicationSeconds;
                RequireOrder(model.LastBuckets, model.LastTimings);
                seenEarly |= model.LastBuckets[0].ReadySeconds < model.LastTimings.BackwardSeconds / 2;
            }
        }

        trace.EndStep();
        Expect.True(seenEarly, "the first bucket is ready long before the pass ends");
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{backward} {communication} {exposed} {model.Reducer.Buckets.Count}"));
    }

    private static void RequireOrder(IReadOnlyList<BucketTiming> buckets, ReducerTimings step)
    {
        Expect.True(buckets.All(bucket => bucket.ReadySeconds <= step.BackwardSeconds && bucket.ExchangedSeconds > bucket.ReadySeconds), "a bucket is exchanged after it is ready");
        Expect.True(buckets.Zip(buckets.Skip(1)).All(pair => pair.First.ExchangedSeconds < pair.Second.ExchangedSeconds), "buckets are exchanged in their order");
    }

    private static nn.Module<Tensor, Tensor> Network() => nn.Sequential(Enumerable.Range(0, Layers).SelectMany(i =>
        new (string, nn.Module<Tensor, Tensor>)[] { ($"linear{i}", nn.Linear(Width, Width)), ($"tanh{i}", nn.Tanh()) }).ToArray());

    // Every layer's weight has a bucket of its own.
    private static DistributedDataParallel<Tensor, Tensor> Wrap(nn.Module<Tensor, Tensor> network, ProcessGroup group) =>
        new(network, group, new DistributedDataParallelOptions { BucketCapMb = 1, FirstBucketCapMb = 1 });

    private static double SlowestBackward(Tensor input, ProcessGroup group)
    {
        using nn.Module<Tensor, Tensor> network = Network();
        using DistributedDataParallel<Tensor, Tensor> model = Wrap(network, group);
        Step(model, input, null);
        Step(model, input, null);
        using Tensor seconds = tensor([model.LastTimings.BackwardSeconds]);
        group.AllReduce(seconds, ReduceOp.Max);
        return seconds.item<double>();
    }

    private static void Step(DistributedDataParallel<Tensor, Tensor> model, Tensor input, TraceRecorder? trace)
    {
        using var scope = NewDisposeScope();
        Tensor loss = model.call(input).square().mean();
        trace?.Lap("forward");
        Pass.Run(model.Backward, loss);
        trace?.Lap("backward", TimeSpan.FromSeconds(model.LastTimings.BackwardSeconds));
        trace?.Lap("exposed communication");
        model.ZeroGrad();
        trace?.Lap("optimizer");
    }
}
