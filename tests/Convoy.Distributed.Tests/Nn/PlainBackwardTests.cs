using System.Runtime.InteropServices;
using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Nn;
using Convoy.Torch.Autograd;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Nn;

/// <summary><c>loss.backward()</c> on a wrapped model in one process; tests/Convoy.Distributed.ParallelTests has several.</summary>
public sealed class PlainBackwardTests : IDisposable
{
    private readonly DisposeScope _scope;
    private readonly ProcessGroupSingle _group = new();
    private readonly Linear _network;
    private readonly DistributedDataParallel<Tensor, Tensor> _model;
    private readonly Tensor _input;

    public PlainBackwardTests()
    {
        Assert.SkipUnless(AutogradEngine.IsSupported, AutogradEngine.Fault ?? "");
        _scope = NewDisposeScope();
        _input = randn(2, 4);
        _network = nn.Linear(4, 3);
        _model = new DistributedDataParallel<Tensor, Tensor>(_network, _group);
    }

    public void Dispose()
    {
        _model?.Dispose();
        _network?.Dispose();
        _group.Dispose();
        _scope?.Dispose();
    }

    [Fact]
    public void PlainBackward_MeasuresThePass()
    {
        Assert.True(_model.AveragesInBackward);
        _model.call(_input).sum().backward();
        Assert.True(_model.LastTimings is { ForwardSeconds: > 0, BackwardSeconds: > 0 });
        Assert.InRange(Assert.Single(_model.LastBuckets).ReadySeconds, 0, _model.LastTimings.BackwardSeconds);
    }

    [Fact]
    public void PlainBackward_ParameterUnused_NamesIt()
    {
        ExternalException error = Assert.Throws<ExternalException>(() => _network.weight!.sum().backward());
        Assert.StartsWith("backward did not reach the parameters 'bias' on rank 0.", error.Message, StringComparison.Ordinal);
        _model.call(_input).sum().backward(); // Goes on.
    }

    [Fact]
    public void PlainBackward_ParameterAdded_NamesIt()
    {
        Tensor loss = _model.call(_input).sum();
        _network.register_parameter("late", new Parameter(ones(3)));
        Assert.StartsWith("the parameter 'late' was added", Assert.Throws<ExternalException>(loss.backward).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PlainBackward_AfterDispose_IsTheModulesOwn()
    {
        Tensor loss = _model.call(_input).sum();
        _model.Dispose();
        loss.backward();
        _network.weight!.sum().backward(); // Would be an error of the wrapper's.
        Assert.Equal(2f, _network.bias!.grad![0].item<float>());
    }

    [Fact]
    public void PlainBackward_OtherWrappersFrozenModule_BelongsToTheOneThatTrains()
    {
        // A generator trained through a discriminator that is frozen meanwhile.
        using Linear judge = nn.Linear(3, 1);
        using var judging = new DistributedDataParallel<Tensor, Tensor>(judge, _group);
        foreach (Parameter parameter in judge.parameters())
        {
            parameter.requires_grad = false;
        }

        judging.call(_model.call(_input)).sum().backward();

        Assert.Equal(0, judging.LastTimings.BackwardSeconds);
        Assert.True(_model.LastTimings.BackwardSeconds > 0);
        Assert.Equal(0f, judge.weight!.grad!.abs().sum().item<float>());
    }

    [Fact]
    public void PlainBackward_LossOverTwoWrappedModels_EndsBothPasses()
    {
        using Linear second = nn.Linear(3, 1);
        using var other = new DistributedDataParallel<Tensor, Tensor>(second, _group);
        other.call(_model.call(_input)).sum().backward();
        Assert.True(other.LastTimings.BackwardSeconds > 0 && _model.LastTimings.BackwardSeconds > 0);
    }

    [Fact]
    public void PlainBackward_ManySteps_KeepsLiveTensorsFlat()
    {
        long before = 0;
        for (int step = 0; step < 30; step++)
        {
            using (NewDisposeScope())
            {
                _model.call(_input).square().sum().backward();
            }

            before = step == 3 ? Tensor.TotalCount : before;
        }

        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void NoSync_ForwardInside_AddsUpForTheNextForwardOutside()
    {
        Tensor loss;
        using (_model.NoSync())
        {
            loss = _model.call(_input).sum();
        }

        loss.backward();
        _model.call(_input).sum().backward();
        Assert.Equal(4f, _network.bias!.grad![0].item<float>());
    }

    [Fact]
    public void PlainBackward_TrainsUnderAutocastAndGradScaler()
    {
        var scaler = new Torch.Amp.GradScaler(initScale: 8);
        using optim.Optimizer optimizer = optim.SGD(_model.parameters(), 1);
        float before = _network.bias![0].item<float>();
        Tensor loss;
        using (Torch.Amp.Autocast.Enter(DeviceType.CPU, bfloat16))
        {
            loss = _model.call(ones(2, 4)).to(float32).sum();
        }

        scaler.Scale(loss).backward();
        Assert.Equal(16f, _network.bias.grad![0].item<float>());
        Assert.True(scaler.Step(optimizer));
        Assert.Equal(before - 2f, _network.bias[0].item<float>(), 1e-6f);
    }
}
