using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Nn;
using Convoy.Torch.Amp;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Amp;

/// <summary>Autocast around what this library adds.</summary>
public sealed class AutocastTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Forward_OfSyncBatchNormInDistributedDataParallel_KeepsNarrowFeaturesAndFloat32State()
    {
        using var group = new ProcessGroupSingle();
        using nn.Module<Tensor, Tensor> network = SyncBatchNorm.Convert(
            (nn.Module<Tensor, Tensor>)nn.Sequential(("conv", nn.Conv2d(3, 4, 3)), ("bn", nn.BatchNorm2d(4)), ("conv2", nn.Conv2d(4, 2, 3))), group);
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group);
        Tensor output;
        using (Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16))
        {
            output = model.call(randn(2, 3, 8, 8));
        }

        model.Backward(output.to(ScalarType.Float32).square().mean());

        Assert.Equal(ScalarType.BFloat16, output.dtype);
        Assert.All(model.parameters(), parameter => Assert.Equal(ScalarType.Float32, parameter.grad!.dtype));
        Assert.All(model.parameters(), parameter => Assert.True(parameter.grad!.isfinite().all().item<bool>()));
        Assert.All(model.named_buffers(), buffer => Assert.NotEqual(ScalarType.BFloat16, buffer.buffer.dtype));
    }
}
