using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Nn;

public sealed class DistributedDataParallelDisposalTests
{
    [Fact]
    public void Dispose_OfTheWrapper_LeavesTheModuleUsable()
    {
        using var scope = NewDisposeScope();
        using var group = new ProcessGroupSingle();
        using nn.Module<Tensor, Tensor> network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4));
        Tensor input = ones(2, 3);
        using (var model = new DistributedDataParallel<Tensor, Tensor>(network, group))
        {
            model.Backward(model.call(input).sum());
        }

        Assert.Equal(4, network.named_parameters().Count());
        Assert.All(network.parameters(), p => Assert.False(p.IsInvalid || p.grad is null));
        Assert.Equal([2, 4], network.call(input).shape);
    }
}
