using Convoy.Distributed.Amp;
using Convoy.Distributed.Backends.Single;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Amp;

/// <summary>What one process shows; that ranks agree is in Convoy.Distributed.ParallelTests.</summary>
public sealed class DistributedGradScalerTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Parameter _weight = new(zeros(3));
    private readonly AdamW _optimizer;

    public DistributedGradScalerTests() => _optimizer = optim.AdamW([_weight]);

    public void Dispose()
    {
        _optimizer.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void Step_GroupOfOne_DecidesAsWithoutAGroup()
    {
        using var group = new ProcessGroupSingle();
        var scaler = new DistributedGradScaler(group, initScale: 4);
        scaler.Scale(zeros(1));
        _weight.grad = tensor([1f, float.NaN, 1]);
        Assert.False(scaler.Step(_optimizer));
        scaler.Update();
        _weight.grad = tensor([1f, 1, 1]);
        Assert.True(scaler.Step(_optimizer));
        Assert.Equal(2, scaler.GetScale());
    }
}
