using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.GradientReduction;
using Convoy.Distributed.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Nn;

/// <summary>Modules of any shape: two inputs, or none that the wrapper knows.</summary>
public sealed class DistributedDataParallelCoreTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ProcessGroupSingle _group = new();
    private readonly TwoInputs _network = new();

    public void Dispose()
    {
        _network.Dispose();
        _group.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void Call_TwoInputs_IsTheModulesOwn()
    {
        using var model = new DistributedDataParallel<Tensor, Tensor, Tensor>(_network, _group);
        Tensor image = randn(5, 3), extra = randn(5, 2), expected = _network.call(image, extra);
        Assert.True(model.call(image, extra).eq(expected).all().item<bool>());
        Assert.Equal(_network.state_dict().Keys, model.state_dict().Keys);
        model.Backward(model.call(image, extra).sum());
        Assert.True(_network.get_parameter("a.bias")!.grad!.eq(5).all().item<bool>());
        Assert.True(model.LastTimings is { ForwardSeconds: > 0, BackwardSeconds: > 0 });
        model.ZeroGrad();
        Assert.All(model.parameters(), p => Assert.Equal(0, p.grad!.abs().sum().item<float>()));
    }

    [Fact]
    public void Backward_ModuleCalledByItself_LeavesTheSameGradientsAsThroughTheWrapper()
    {
        Tensor image = randn(5, 3), extra = randn(5, 2);
        Tensor[] expected;
        using (var model = new DistributedDataParallel<Tensor, Tensor, Tensor>(_network, _group))
        {
            model.Backward(model.call(image, extra).square().mean());
            expected = [.. _network.parameters().Select(p => p.grad!.clone())];
        }

        using var parallel = new DistributedDataParallel(_network, _group);
        parallel.ZeroGrad();
        parallel.BeforeForward();
        parallel.Backward(_network.call(image, extra).square().mean());
        Assert.Same(_network, parallel.Module);
        Assert.All(_network.parameters().Zip(expected), pair => Assert.True(pair.First.grad!.eq(pair.Second).all().item<bool>()));
        Assert.True(parallel.LastTimings is { ForwardSeconds: > 0, BackwardSeconds: > 0 });
    }

    [Fact]
    public void ForwardSeconds_AfterForwardCalled_LeavesTheLossOut()
    {
        using var parallel = new DistributedDataParallel(_network, _group);
        parallel.BeforeForward();
        Tensor output = _network.call(randn(5, 3), randn(5, 2));
        parallel.AfterForward();
        using var pause = new ManualResetEventSlim();
        pause.Wait(300);
        parallel.Backward(output.sum());
        Assert.InRange(parallel.LastTimings.ForwardSeconds, 0, 0.25);
    }

    [Fact]
    public void BeforeForward_ParameterReplaced_NamesIt()
    {
        using var parallel = new DistributedDataParallel(_network, _group);
        _network.get_parameter("a.weight")!.Dispose();
        var error = Assert.Throws<InvalidOperationException>(parallel.BeforeForward);
        Assert.StartsWith("the parameter 'a.weight' was disposed or replaced after the module was wrapped.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LastBuckets_OneProcess_SayBytesAndWhenReady()
    {
        using var parallel = new DistributedDataParallel(_network, _group, new DistributedDataParallelOptions { FirstBucketCapMb = 1e-6, BucketCapMb = 1e-6 });
        Assert.Empty(parallel.LastBuckets);
        parallel.BeforeForward();
        parallel.Backward(_network.call(randn(5, 3), randn(5, 2)).sum());

        Assert.Equal(parallel.Reducer.Buckets.Select(bucket => bucket.Flat.numel() * 4), parallel.LastBuckets.Select(bucket => bucket.Bytes));
        Assert.Equal(4, parallel.LastBuckets.Count);
        Assert.All(parallel.LastBuckets, bucket => Assert.InRange(bucket.ReadySeconds, 0, parallel.LastTimings.BackwardSeconds));
        Assert.All(parallel.LastBuckets, bucket => Assert.Null(bucket.ExchangedSeconds));
    }

    [Fact]
    public void LastBuckets_LongPass_SayThatTheLastLayersWereReadyFirst()
    {
        using var deep = nn.Sequential(Enumerable.Range(0, 12).Select(i => ($"{i}", (nn.Module<Tensor, Tensor>)nn.Linear(512, 512))));
        using var parallel = new DistributedDataParallel(deep, _group, new DistributedDataParallelOptions { FirstBucketCapMb = 1, BucketCapMb = 1 });
        Tensor input = randn(1024, 512);
        BucketTiming[][] passes = [.. Enumerable.Range(0, 5).Select(_ =>
        {
            parallel.ZeroGrad();
            parallel.BeforeForward();
            parallel.Backward(deep.call(input).square().mean());
            return parallel.LastBuckets.ToArray();
        })];

        // A late look can happen in one pass, not in all.
        Assert.Contains(passes, buckets => buckets[0].ReadySeconds < buckets[^1].ReadySeconds / 2);
        Assert.All(passes, buckets => Assert.True(buckets.Zip(buckets.Skip(1), (a, b) => a.ReadySeconds <= b.ReadySeconds).All(ordered => ordered)));
    }

    private sealed class TwoInputs : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly Linear a = nn.Linear(3, 4);
        private readonly Linear b = nn.Linear(2, 4);

        public TwoInputs()
            : base(nameof(TwoInputs)) => RegisterComponents();

        public override Tensor forward(Tensor image, Tensor extra) => a.call(image) + b.call(extra);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                a.Dispose();
                b.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
