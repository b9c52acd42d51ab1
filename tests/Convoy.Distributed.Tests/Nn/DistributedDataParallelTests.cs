using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.GradientReduction;
using Convoy.Distributed.Nn;
using Convoy.Torch.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Nn;

public sealed class DistributedDataParallelTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ProcessGroupSingle _group = new();
    private readonly nn.Module<Tensor, Tensor> _network = nn.Sequential(("conv", nn.Conv2d(3, 4, 3)), ("bn", nn.BatchNorm2d(4)), ("flatten", nn.Flatten()), ("head", nn.Linear(16, 2)));
    private readonly DistributedDataParallel<Tensor, Tensor> _model;
    private readonly Tensor _input = randn(5, 3, 4, 4);

    public DistributedDataParallelTests() => _model = new DistributedDataParallel<Tensor, Tensor>(_network, _group);

    public void Dispose()
    {
        _model.Dispose();
        _network.Dispose();
        _group.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void Names_Wrapped_HaveNoPrefix()
    {
        Assert.Equal(["conv.weight", "conv.bias", "bn.weight", "bn.bias", "head.weight", "head.bias"], _model.named_parameters().Select(p => p.name));
        Assert.Equal(_network.state_dict().Keys, _model.state_dict().Keys);
    }

    [Fact]
    public void Train_AndEval_ReachTheModule()
    {
        _model.eval();
        Assert.False(_network.training);
        _model.train();
        Assert.True(_network.training && _model.training);
    }

    [Fact]
    public void Backward_OneProcess_GivesTheModulesGradients()
    {
        nn.functional.mse_loss(_network.call(_input), zeros(5, 2)).backward();
        Tensor[] expected = [.. _model.parameters().Select(p => p.grad!.clone())];
        _model.ZeroGrad();
        Assert.All(_model.parameters(), p => Assert.Equal(0, p.grad!.abs().sum().item<float>()));
        _model.Backward(nn.functional.mse_loss(_model.call(_input), zeros(5, 2)));
        Assert.All(_model.parameters().Zip(expected), pair => Assert.True(pair.First.grad!.allclose(pair.Second)));
        Assert.True(_model.LastTimings.BackwardSeconds > 0);
    }

    [Fact]
    public void Backward_InsideNoSync_AddsUp()
    {
        using (_model.NoSync())
        {
            _model.Backward(_model.call(_input).sum());
        }

        Tensor once = _network.get_parameter("head.weight")!.grad!.clone();
        _model.Backward(_model.call(_input).sum());
        Assert.True(_network.get_parameter("head.weight")!.grad!.allclose(once * 2, rtol: 1e-4, atol: 1e-5));
    }

    [Fact]
    public void Backward_GradientsReplacedByTheUser_KeepsTheirValuesInTheBuckets()
    {
        var weight = _network.get_parameter("head.weight")!;
        long address = Address(weight.grad!);
        weight.grad = ones_like(weight);
        _network.get_parameter("conv.bias")!.grad = null;
        _model.Backward(_model.call(_input).sum() * 0);
        Assert.Equal(address, Address(weight.grad!));
        Assert.True(weight.grad!.eq(1).all().item<bool>());
        Assert.Equal(0, _network.get_parameter("conv.bias")!.grad!.abs().sum().item<float>());
    }

    [Fact]
    public void ZeroGrad_ByModuleOrOptimizer_StaysInTheBuckets()
    {
        using var optimizer = optim.AdamW(_model.parameters());
        foreach (Action zero in (Action[])[() => _model.zero_grad(), () => optimizer.zero_grad(), () => _network.zero_grad()])
        {
            _model.Backward(_model.call(_input).square().sum());
            long[] before = [.. _model.parameters().Select(p => Address(p.grad!))];
            zero();
            _model.Backward(_model.call(_input).sum() * 0);
            Assert.Equal(before, _model.parameters().Select(p => Address(p.grad!)));
            Assert.All(_model.parameters(), p => Assert.Equal(0, p.grad!.abs().sum().item<float>()));
        }
    }

    [Fact]
    public void Parameters_WithoutGradient_AreLeftOut()
    {
        using nn.Module<Tensor, Tensor> linear = nn.Linear(3, 2);
        linear.get_parameter("bias")!.requires_grad = false;
        using var model = new DistributedDataParallel<Tensor, Tensor>(linear, _group);
        model.Backward(model.call(ones(1, 3)).sum());
        Assert.Null(linear.get_parameter("bias")!.grad);
        Assert.True(linear.get_parameter("weight")!.grad!.eq(1).all().item<bool>());
    }

    [Fact]
    public void Gradients_OfChannelsLastWeights_HaveTheWeightsStrides()
    {
        using var weights = new TorchSharp.Modules.Parameter(randn(4, 3, 3, 3).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2));
        using var reducer = new Reducer([("weight", weights)], _group);
        Assert.Equal(weights.stride(), weights.grad!.stride());
    }

    [Fact]
    public void Backward_RequiresGradChangedAfterWrapping_NamesTheParameter()
    {
        _network.get_parameter("conv.bias")!.requires_grad = false;
        var error = Assert.Throws<InvalidOperationException>(() => _model.Backward(_model.call(_input).sum()));
        Assert.StartsWith("requires_grad of the parameter 'conv.bias' was true when", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("module.")]
    public void LoadStateDict_WithOrWithoutPrefix_Loads(string prefix)
    {
        Dictionary<string, Tensor> state = _network.state_dict().ToDictionary(entry => prefix + entry.Key, entry => ones_like(entry.Value));
        _model.load_state_dict(state);
        Assert.All(_network.state_dict().Values, tensor => Assert.True(tensor.eq(1).all().item<bool>()));
    }

    [Fact]
    public void LoadStateDict_ModuleWithAChildNamedModule_IsTakenAsItIs()
    {
        using nn.Module<Tensor, Tensor> inner = nn.Sequential(("module", nn.Linear(2, 2)));
        using var model = new DistributedDataParallel<Tensor, Tensor>(inner, _group);
        model.load_state_dict(inner.state_dict().ToDictionary(entry => entry.Key, entry => ones_like(entry.Value)));
        Assert.All(inner.parameters(), p => Assert.True(p.eq(1).all().item<bool>()));
    }

    [Fact]
    public void Dispose_TheModule_StaysTheCallers()
    {
        _model.Backward(_model.call(_input).square().sum());
        _model.Dispose();
        Assert.All(_network.parameters(), p => Assert.False(p.IsInvalid));
        Assert.All(_network.buffers(), b => Assert.False(b.IsInvalid));
        Assert.Contains(_network.parameters(), p => p.grad!.abs().sum().item<float>() > 0);
        Assert.Equal([5L, 2L], _network.call(_input).shape);
    }

    private static unsafe long Address(Tensor tensor) => (long)Convoy.Torch.Interop.TensorMemory.Address(tensor);
}
