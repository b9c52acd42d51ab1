using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.GradientReduction;
using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Nn;

public sealed class CommunicationHookRegistrationTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ProcessGroupSingle _group = new();
    private readonly nn.Module<Tensor, Tensor> _network = nn.Linear(2, 2);
    private readonly DistributedDataParallel<Tensor, Tensor> _model;

    public CommunicationHookRegistrationTests() => _model = new DistributedDataParallel<Tensor, Tensor>(_network, _group);

    public void Dispose()
    {
        _model.Dispose();
        _network.Dispose();
        _group.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void RegisterCommunicationHook_Twice_Throws()
    {
        using var hook = new Fp16CompressionHook();
        _model.RegisterCommunicationHook(hook);
        Assert.Same(hook, _model.Reducer.CommunicationHook);
        Assert.Contains("already registered (Fp16CompressionHook)", Assert.Throws<InvalidOperationException>(() => _model.RegisterCommunicationHook(new AllReduceHook())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RegisterCommunicationHook_AfterBackward_Throws()
    {
        _model.Backward(_model.call(ones(1, 2)).sum());
        Assert.Contains("AllReduceHook comes too late", Assert.Throws<InvalidOperationException>(() => _model.RegisterCommunicationHook(new AllReduceHook())).Message, StringComparison.Ordinal);
    }
}
