using Convoy.Cli.Benchmarks.Steps;
using Convoy.Lanes.Data;
using Convoy.Lanes.Models;
using TorchSharp;

namespace Convoy.Cli.Tests.Benchmarks;

public sealed class NetworkWorkTests
{
    [Fact]
    public void Of_TwoConvolutions_IsTheirClosedForm()
    {
        using torch.nn.Module<torch.Tensor, torch.Tensor> network = torch.nn.Sequential(
            ("first", torch.nn.Conv2d(3, 8, 3, stride: 2, padding: 1)), ("norm", torch.nn.BatchNorm2d(8)), ("second", torch.nn.Conv2d(8, 6, 1, groups: 2)));

        NetworkWork work = NetworkWork.Of(network, [1, 3, 10, 14]);

        // 5 x 7 positions; 3 x 3 x 3 weights for each of 8 channels, then 4 for each of 6. The first layer's input needs no gradient.
        const double first = 2.0 * 5 * 7 * 3 * 3 * 3 * 8, second = 2.0 * 5 * 7 * 4 * 6;
        Assert.Equal([new LayerWork("first", first, first), new LayerWork("second", second, 2 * second)], work.Layers);
        Assert.Equal((first + second, first + (2 * second)), (work.ForwardFlops, work.BackwardFlops));
    }

    [Fact]
    public void Of_TheLaneDetectorAt800x360_Is13_14BillionMultiplyAddsForward()
    {
        NetworkWork work = NetworkWork.Of(EncoderDepth.ResNet18, ImageSize.Network);

        // Closed forms of the largest ones, with the encoder's strides 2, 4, 8, 16, 32 on 360 x 800.
        Dictionary<string, double> multiplyAdds = work.Layers.ToDictionary(layer => layer.Layer, layer => layer.ForwardFlops / 2);
        Assert.Equal(180.0 * 400 * 64 * 3 * 7 * 7, multiplyAdds["conv1"]);
        Assert.Equal(90.0 * 200 * 64 * 64 * 9, multiplyAdds["layer1.1.conv2"]);
        Assert.Equal(12.0 * 25 * 512 * 512 * 9, multiplyAdds["layer4.1.conv1"]);
        Assert.Equal(90.0 * 200 * 64 * 128 * 9, multiplyAdds["up4.conv"]);
        Assert.Equal(13.14, work.ForwardFlops / 2 / 1e9, 0.01);
        Assert.Equal((2 * work.ForwardFlops) - work.Layers[0].ForwardFlops, work.BackwardFlops);
    }
}
