using System.Collections.Concurrent;
using Convoy.Distributed.GradientReduction;
using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Proves that a bucket is averaged while backward is still busy: an action inside backward, between the last layer and the first,
/// waits until the last layer's bucket is done. For two ranks and more.
/// </summary>
internal static class OverlappedReduction
{
    private static readonly DistributedDataParallelOptions SmallBuckets = new() { BucketCapMb = 1e-6, FirstBucketCapMb = 1e-6 };

    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        Backward_Overlapping_ReducesBeforeItEnds(group);
        Backward_GradientGrowsAfterItsReduction_Fails(group);
        Backward_GradientGrowsInAStaticGraph_IsRight(group);
        Backward_HookFails_ThrowsItAndRemembers(group);
    }

    private static void Backward_Overlapping_ReducesBeforeItEnds(ProcessGroup group)
    {
        foreach (bool overlap in (bool[])[true, false])
        {
            using var layers = new Layers(group, SmallBuckets with { Overlap = overlap });
            for (int step = 0; step < 3; step++)
            {
                bool came = false;
                layers.Backward(() => came = layers.Hook.WaitFor(bucket: 0, overlap ? TimeSpan.FromSeconds(30) : TimeSpan.FromMilliseconds(50)));
                Expect.True(came == overlap, $"overlap {overlap}: the first bucket was {(came ? "" : "not ")}averaged inside backward");
                Expect.True(layers.Hook.Seen.SequenceEqual(Enumerable.Range(0, layers.Model.Reducer.Buckets.Count)), $"buckets came in the order {string.Join(' ', layers.Hook.Seen)}");
                ReducerTimings timings = layers.Model.LastTimings;
                Expect.True(timings.CommunicationTotalSeconds > 0 && timings.WaitTotalSeconds >= timings.WaitSeconds && timings.ForwardSeconds > 0, timings.ToString());
            }
        }
    }

    // Backward inside backward adds to the last layer's gradient a second time, after it was averaged.
    private static void Backward_GradientGrowsAfterItsReduction_Fails(ProcessGroup group)
    {
        using var layers = new Layers(group, SmallBuckets);
        string error = Pass.Error(() => layers.Backward(() =>
        {
            layers.Hook.WaitFor(bucket: 1, TimeSpan.FromSeconds(30));
            AddToLastGradient(layers);
        }));
        Expect.True(error.Contains("last.weight", StringComparison.Ordinal) && error.Contains("StaticGraph", StringComparison.Ordinal), $"error '{error}'");
    }

    private static void Backward_GradientGrowsInAStaticGraph_IsRight(ProcessGroup group)
    {
        using var layers = new Layers(group, SmallBuckets with { StaticGraph = true });
        float expected = 0;
        for (int step = 0; step < 3; step++)
        {
            layers.Model.ZeroGrad();
            layers.Backward(() => AddToLastGradient(layers));
            float sum = layers.LastWeight.grad!.sum().item<float>();
            expected = step == 0 ? sum : expected;
            Expect.True(sum == expected, $"step {step}: {sum} instead of {expected}");
        }
    }

    private static void Backward_HookFails_ThrowsItAndRemembers(ProcessGroup group)
    {
        using var layers = new Layers(group, SmallBuckets);
        layers.Model.Reducer.CommunicationHook = new FailingHook();
        Expect.Equal("the hook failed", Pass.Error(() => layers.Backward(() => { })), "first error");
        try
        {
            layers.Backward(() => { });
            throw new InvalidDataException("no error");
        }
        catch (InvalidOperationException error)
        {
            Expect.Equal("an earlier backward pass failed after it had begun to average gradients, so the ranks no longer agree (the hook failed). Restart the job.", error.Message, "second error");
            Expect.True(error.InnerException is InvalidOperationException { Message: "the hook failed" }, $"the cause is {error.InnerException}");
        }
    }

    private static void AddToLastGradient(Layers layers)
    {
        using (enable_grad())
        {
            layers.LastWeight.sum().backward();
        }
    }

    private sealed class FailingHook : ICommunicationHook
    {
        public void Reduce(GradientBucket bucket, ProcessGroup group) => throw new InvalidOperationException("the hook failed");
    }

    /// <summary>The default hook, which tells who waits for a bucket.</summary>
    private sealed class TellingHook : ICommunicationHook
    {
        private readonly AllReduceHook _inner = new();
        private readonly BlockingCollection<int> _done = [];

        public List<int> Seen { get; } = [];

        public void Reduce(GradientBucket bucket, ProcessGroup group)
        {
            _inner.Reduce(bucket, group);
            Seen.Add(bucket.Index);
            _done.Add(bucket.Index);
        }

        public bool WaitFor(int bucket, TimeSpan timeout)
        {
            while (_done.TryTake(out int done, timeout))
            {
                if (done == bucket)
                {
                    return true;
                }
            }

            return false;
        }

        public void Clear()
        {
            Seen.Clear();
            while (_done.TryTake(out _))
            {
            }
        }
    }

    /// <summary>Two layers with an action between them.</summary>
    private sealed class Layers : IDisposable
    {
        private readonly nn.Module<Tensor, Tensor> _first = nn.Linear(4, 4);
        private readonly nn.Module<Tensor, Tensor> _last = nn.Linear(4, 1);
        private readonly nn.Module<Tensor, Tensor> _network;
        private Action _action = () => { };

        public Layers(ProcessGroup group, DistributedDataParallelOptions options)
        {
            _network = nn.Sequential(("first", _first), ("between", new Between(this)), ("last", _last));
            Model = new DistributedDataParallel<Tensor, Tensor>(_network, group, options);
            Model.Reducer.CommunicationHook = Hook;
        }

        public DistributedDataParallel<Tensor, Tensor> Model { get; }

        public TellingHook Hook { get; } = new();

        public Tensor LastWeight => _last.get_parameter("weight")!;

        public void Backward(Action between)
        {
            using var scope = NewDisposeScope();
            _action = between;
            Hook.Clear();
            Pass.Run(Model.Backward, Model.call(ones(2, 4)).sum());
        }

        public void Dispose()
        {
            Model.Dispose();
            _network.Dispose();
        }

        private sealed class Between(Layers owner) : nn.Module<Tensor, Tensor>(nameof(Between))
        {
            public override Tensor forward(Tensor input) => ActInBackward.apply(input, owner._action);
        }
    }
}
