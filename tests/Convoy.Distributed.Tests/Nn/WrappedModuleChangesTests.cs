using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Nn;
using Convoy.Distributed.Optim;
using Convoy.Torch.Optim;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Nn;

/// <summary>What is done to a module after it was wrapped: an error that names the parameter and says what to do, or no effect.</summary>
public sealed class WrappedModuleChangesTests : IDisposable
{
    private const string Remedy = "Convert and load the module first, then wrap it.";

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ProcessGroupSingle _group = new();
    private readonly Linear _inner = nn.Linear(4, 3);
    private readonly Plain _network;
    private readonly DistributedDataParallel<Tensor, Tensor> _model;
    private readonly Tensor _input = randn(2, 4);

    public WrappedModuleChangesTests()
    {
        _network = new Plain(_inner);
        _model = new DistributedDataParallel<Tensor, Tensor>(_network, _group);
    }

    public static TheoryData<string> Conversions => ["bfloat16", "half", "double", "type and device"];

    public void Dispose()
    {
        _model.Dispose();
        _network.Dispose();
        _group.Dispose();
        _scope.Dispose();
    }

    [Theory]
    [MemberData(nameof(Conversions))]
    public void To_AnotherTypeAfterWrapping_NamesTheParameterAndChangesNothing(string how)
    {
        (Action convert, ScalarType type) = how switch
        {
            "bfloat16" => ((Action)(() => _model.to(bfloat16)), ScalarType.BFloat16),
            "half" => (() => _model.half(), ScalarType.Float16),
            "double" => (() => _model.@double(), ScalarType.Float64),
            _ => (() => _model.to(CPU, bfloat16), ScalarType.BFloat16),
        };
        var error = Assert.Throws<InvalidOperationException>(convert);
        Assert.Equal($"the parameter 'scale' cannot be converted from Float32 on CPU to {type} on CPU now that the module is wrapped. {Remedy}", error.Message);
        _model.Backward(_model.call(_input).sum());
        _model.ZeroGrad();
        Assert.All(_model.state_dict().Values, value => Assert.Equal(ScalarType.Float32, value.dtype));
    }

    [Fact]
    public void To_TypeAndPlaceThatItHas_IsTaken()
    {
        Assert.Same(_model, _model.to(float32));
        Assert.Same(_model, _model.cpu());
        Assert.Same(_model, _model.to(CPU, float32));
        _model.Backward(_model.call(_input).sum());
    }

    [Fact]
    public void To_BufferOfAnotherType_IsNamed()
    {
        _network.register_buffer("level", ones(3, float64));
        using var model = new DistributedDataParallel<Tensor, Tensor>(_network, _group);
        var error = Assert.Throws<InvalidOperationException>(() => model.to(float32));
        Assert.Equal($"the buffer 'level' cannot be converted from Float64 on CPU to Float32 on CPU now that the module is wrapped. {Remedy}", error.Message);
    }

    [Fact]
    public void Calls_ModuleItselfConverted_NameTheParameter()
    {
        using Tensor loss = _model.call(_input).sum();
        _inner.to(bfloat16);
        foreach (Action call in (Action[])[() => _model.call(_input), () => _model.Backward(loss), _model.ZeroGrad, () => _model.zero_grad()])
        {
            Assert.Equal($"the parameter 'inner.weight' was disposed or replaced after the module was wrapped. {Remedy}", Assert.Throws<InvalidOperationException>(call).Message);
        }

        // What concerns the module alone still works.
        Assert.Equal(ScalarType.BFloat16, _model.state_dict()["inner.weight"].dtype);
        _model.eval();
        Assert.Equal([2, 3], _inner.call(_input.to(bfloat16)).shape);
        _model.Dispose();
        Assert.All(_network.parameters(), parameter => Assert.False(parameter.IsInvalid));
    }

    [Fact]
    public void Step_OptimizerOfTheParametersBeforeConversion_SaysSo()
    {
        using var fused = new FusedAdamW(_inner.parameters());
        using var sharded = new ZeroRedundancyOptimizer(_inner.parameters(), _group, parameters => optim.SGD(parameters, 0.1));
        _inner.to(float64);
        const string OptimizerRemedy = "was disposed or replaced after the optimizer was made. Convert and load the module first, then make the optimizer.";
        Assert.Equal($"the parameter of shape [3, 4] {OptimizerRemedy}", Assert.Throws<InvalidOperationException>(() => fused.step()).Message);
        Assert.Equal($"parameter number 0 of 2, counted from 0, {OptimizerRemedy}", Assert.Throws<InvalidOperationException>(() => sharded.step()).Message);
        Assert.Throws<InvalidOperationException>(sharded.zero_grad);
    }

    [Fact]
    public void Backward_ParameterReplaced_NamesIt()
    {
        _inner.weight = new Parameter(ones(3, 4));
        Assert.Equal($"the parameter 'inner.weight' was disposed or replaced after the module was wrapped. {Remedy}", Assert.Throws<InvalidOperationException>(() => _model.Backward(_model.call(_input).sum())).Message);
    }

    [Fact]
    public void Backward_ParameterAdded_NamesIt()
    {
        _network.register_parameter("late", new Parameter(ones(3)));
        Assert.Equal(
            "the parameter 'late' was added after the module was wrapped, so its gradient would not be averaged. Complete the module first, then wrap it.",
            Assert.Throws<InvalidOperationException>(() => _model.Backward(_model.call(_input).sum())).Message);
    }

    [Fact]
    public void Forward_ParametersFrozenForAWhile_IsTaken()
    {
        // As when a discriminator only carries the generator's gradients.
        foreach (Parameter parameter in _model.parameters())
        {
            parameter.requires_grad = false;
        }

        Tensor input = _input.clone().requires_grad_();
        _model.call(input).sum().backward();
        Assert.NotNull(input.grad);
        foreach (Parameter parameter in _model.parameters())
        {
            parameter.requires_grad = true;
        }

        _model.Backward(_model.call(_input).sum());
    }

    [Fact]
    public void Backward_ParameterUnfrozenAfterWrapping_NamesIt()
    {
        using Linear linear = nn.Linear(4, 3);
        linear.bias!.requires_grad = false;
        using var model = new DistributedDataParallel<Tensor, Tensor>(linear, _group);
        linear.bias!.requires_grad = true;
        var error = Assert.Throws<InvalidOperationException>(() => model.Backward(model.call(_input).sum()));
        Assert.StartsWith("requires_grad of the parameter 'bias' was false when the module was wrapped", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_NothingToTrain_SaysThatItIsNotNeeded()
    {
        using nn.Module<Tensor, Tensor> relu = nn.ReLU();
        using Linear frozen = nn.Linear(4, 3);
        frozen.weight!.requires_grad = false;
        frozen.bias!.requires_grad = false;
        foreach ((nn.Module<Tensor, Tensor> module, string name) in ((nn.Module<Tensor, Tensor>, string)[])[(relu, "ReLU"), (frozen, "Linear")])
        {
            var error = Assert.Throws<ArgumentException>(() => new DistributedDataParallel<Tensor, Tensor>(module, _group));
            Assert.StartsWith(
                $"the module {name} has no parameter that requires a gradient, so there is nothing to average and DistributedDataParallel is not needed. Call the module itself, or set requires_grad before you wrap it.",
                error.Message,
                StringComparison.Ordinal);
        }
    }

    private sealed class Plain : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> _inner;

        public Plain(nn.Module<Tensor, Tensor> inner)
            : base(nameof(Plain))
        {
            _inner = inner;
            register_module("inner", inner);
            register_parameter("scale", new Parameter(ones(3)));
        }

        public override Tensor forward(Tensor input) => _inner.call(input) * get_parameter("scale")!;
    }
}
