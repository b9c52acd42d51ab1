using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.GradientReduction;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.GradientReduction;

public sealed class ReducerTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ProcessGroupSingle _group = new();
    private readonly (string Name, Parameter Parameter)[] _parameters = [("a", new(ones(3))), ("b", new(ones(2, 2))), ("c", new(ones(5)))];

    public void Dispose()
    {
        _group.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void Buckets_AtFirst_HoldTheLastRegisteredFirst()
    {
        using var reducer = new Reducer(_parameters, _group, new ReducerOptions { FirstBucketCapMb = 1e-6 });
        Assert.Equal([(0, false), (1, true)], reducer.Buckets.Select(bucket => (bucket.Index, bucket.IsLast)));
        Assert.Equal([_parameters[2].Parameter], reducer.Buckets[0].Parameters);
        Assert.Equal([_parameters[1].Parameter, _parameters[0].Parameter], reducer.Buckets[1].Parameters);
    }

    [Fact]
    public void Rebuild_OtherOrder_KeepsValuesInNewBuckets()
    {
        using var reducer = new Reducer(_parameters, _group, new ReducerOptions { FirstBucketCapMb = 1e-6 });
        reducer.Backward(Loss(0, 1, 2));
        Assert.True(reducer.Rebuild([0, 2, 1]));
        Assert.Equal([_parameters[0].Parameter], reducer.Buckets[0].Parameters);
        Assert.Equal([_parameters[2].Parameter, _parameters[1].Parameter], reducer.Buckets[1].Parameters);
        Assert.All(_parameters, p => Assert.True(p.Parameter.grad!.eq(1).all().item<bool>()));
        reducer.Backward(Loss(0, 1, 2));
        Assert.True(reducer.Buckets[1].Gradients[1].eq(2).all().item<bool>());
    }

    [Fact]
    public void Rebuild_TheOrderThatWasAssumed_ChangesNothing()
    {
        using var reducer = new Reducer(_parameters, _group);
        GradientBucket bucket = reducer.Buckets[0];
        Assert.False(reducer.Rebuild([2, 1, 0]));
        Assert.Same(bucket, reducer.Buckets[0]);
    }

    [Fact]
    public void Rebuild_IncompleteOrder_IsRefused()
    {
        using var reducer = new Reducer(_parameters, _group);
        Assert.Throws<ArgumentException>(() => reducer.Rebuild([2, 1, 1]));
    }

    [Fact]
    public void Backward_ParameterUnused_NamesIt()
    {
        using var reducer = new Reducer(_parameters, _group);
        var error = Assert.Throws<InvalidOperationException>(() => reducer.Backward(Loss(0, 2)));
        Assert.StartsWith("backward did not reach the parameters 'b' on rank 0.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Backward_ParameterUsedInAnEarlierPassWithoutSynchronisation_CountsAsUsed()
    {
        using var reducer = new Reducer(_parameters, _group);
        reducer.Backward(Loss(1), synchronize: false);
        reducer.Backward(Loss(0, 2));
        Assert.Throws<InvalidOperationException>(() => reducer.Backward(Loss(0, 2)));
    }

    [Fact]
    public void Backward_UnusedAllowed_LeavesTheGradientNone()
    {
        using var reducer = new Reducer(_parameters, _group, new ReducerOptions { FindUnusedParameters = true });
        reducer.Backward(Loss(0, 2));
        Assert.Null(_parameters[1].Parameter.grad);
        reducer.Backward(Loss(0, 1, 2));
        Assert.True(_parameters[1].Parameter.grad!.eq(1).all().item<bool>());
        reducer.ZeroGradients(setToNone: false);
        reducer.Backward(Loss(0, 2));
        Assert.True(_parameters[1].Parameter.grad!.eq(0).all().item<bool>());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Gradients_AsViewOrNot_LieWhereTold(bool isView)
    {
        using var reducer = new Reducer(_parameters, _group, new ReducerOptions { GradientAsBucketView = isView });
        reducer.Backward(Loss(0, 1, 2));
        reducer.Buckets[0].Flat.fill_(7);
        Assert.All(_parameters, p => Assert.True(p.Parameter.grad!.eq(isView ? 7 : 1).all().item<bool>()));
    }

    [Fact]
    public void Backward_Fails_LeavesTheReducerUsable()
    {
        using var reducer = new Reducer(_parameters, _group);
        Assert.ThrowsAny<Exception>(() => reducer.Backward(ones(1)));
        reducer.Backward(Loss(0, 1, 2));
        Assert.True(_parameters[0].Parameter.grad!.eq(1).all().item<bool>());
    }

    [Fact]
    public void Timings_OneProcess_AddUpWithoutWaiting()
    {
        using var reducer = new Reducer(_parameters, _group);
        reducer.Backward(Loss(0, 1, 2));
        Assert.True(reducer.LastTimings is { BackwardSeconds: > 0, CommunicationSeconds: >= 0, WaitSeconds: 0, CommunicationTotalSeconds: 0, WaitTotalSeconds: 0 });
    }

    [Fact]
    public void Constructor_ComplexParameter_IsRefused()
    {
        var error = Assert.Throws<ArgumentException>(() => new Reducer([("phase", new Parameter(zeros(2, complex64)))], _group));
        Assert.StartsWith("the parameter 'phase' is dense, ComplexFloat32, on CPU.", error.Message, StringComparison.Ordinal);
    }

    private Tensor Loss(params int[] used) => used.Select(index => _parameters[index].Parameter.sum()).Aggregate((a, b) => a + b);
}
