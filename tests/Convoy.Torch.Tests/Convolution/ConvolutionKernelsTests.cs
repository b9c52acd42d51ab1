using Convoy.Torch.Convolution;
using Convoy.Torch.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Convolution;

public sealed class ConvolutionKernelsTests
{
    [Fact]
    public void Observe_ANetwork_GivesEachPassOfEachSizeOnceInOrder()
    {
        using var scope = NewDisposeScope();
        var kernels = new ConvolutionKernels();
        using Sequential network = TunedConv2d.Convert(Network(), kernels);

        IReadOnlyList<ConvolutionKey> keys = kernels.Observe(() => network.call(Images()).sum().backward());

        ConvolutionShape first = new(2, 3, 8, 10, 16, 3, 3, 1, 1, 1, 1), second = first with { InChannels = 16 };
        Assert.Equal(
            [
                new ConvolutionKey(first, ScalarType.Float32, ConvolutionPass.Forward), new ConvolutionKey(first, ScalarType.Float32, ConvolutionPass.WeightGradient), // images need no gradient
                new ConvolutionKey(second, ScalarType.Float32, ConvolutionPass.Forward), new ConvolutionKey(second, ScalarType.Float32, ConvolutionPass.InputGradient), new ConvolutionKey(second, ScalarType.Float32, ConvolutionPass.WeightGradient),
            ],
            keys);
    }

    [Fact]
    public void Observe_ANetwork_LeavesNoTraceInWhatItComputesAfterwards()
    {
        using var scope = NewDisposeScope();
        var kernels = new ConvolutionKernels();
        using Sequential network = TunedConv2d.Convert(Network(), kernels);
        Tensor before = network.call(Images()).detach();

        kernels.Observe(() => network.call(Images()));

        Assert.True(network.parameters().All(parameter => parameter.grad is null));
        Assert.True(before.equal(network.call(Images())).all().item<bool>());
        Assert.True(before.abs().sum().item<float>() > 0);
    }

    [Fact]
    public void Observe_AForwardPassThatFails_ComputesAgainAfterwards()
    {
        using var scope = NewDisposeScope();
        var kernels = new ConvolutionKernels();
        using Sequential network = TunedConv2d.Convert(Network(), kernels);

        Assert.Throws<NotSupportedException>(() => kernels.Observe(() => throw new NotSupportedException()));

        Assert.True(network.call(Images()).abs().sum().item<float>() > 0);
    }

    [Fact]
    public void Used_AfterAStep_HasWhatTheTableNames()
    {
        using var scope = NewDisposeScope();
        var kernels = new ConvolutionKernels();
        using Sequential network = TunedConv2d.Convert(Network(), kernels);
        ConvolutionKey key = kernels.Observe(() => network.call(Images()))[0];
        kernels.Table = new KernelTable([new KernelChoice(key, "libtorch-contiguous")]);

        network.call(Images()).sum().backward();

        Assert.Equal("libtorch-contiguous", kernels.Used[key]);
        Assert.All(kernels.Used.Where(used => used.Key != key), used => Assert.Equal(KernelTable.Fixed.NameOf(used.Key), used.Value));
    }

    private static Sequential Network()
    {
        random.manual_seed(1);
        Sequential network = nn.Sequential(nn.Conv2d(3, 16, 3, padding: 1, bias: false), nn.ReLU(), nn.Conv2d(16, 16, 3, padding: 1, bias: false), nn.ReLU(), nn.Conv2d(16, 16, 3, padding: 1, bias: false));
        return network;
    }

    private static Tensor Images() => (arange(2 * 8 * 10 * 3, dtype: ScalarType.Float32) / 100).reshape(2, 8, 10, 3).permute(0, 3, 1, 2);
}
