using Convoy.Training.Measurement;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Measurement;

public sealed class NetworkWorkTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Count_TwoConvolutions_IsTheirClosedFormForOneSample(int samples)
    {
        using DisposeScope scope = NewDisposeScope();
        nn.Module<Tensor, Tensor> network = nn.Sequential(
            ("first", nn.Conv2d(3, 8, 3, stride: 2, padding: 1)), ("norm", nn.BatchNorm2d(8)), ("second", nn.Conv2d(8, 6, 1, groups: 2)));
        NetworkWork work = NetworkWork.Count(network, samples);

        _ = network.call(zeros(samples, 3, 10, 14));
        work.Complete();
        _ = network.call(zeros(samples, 3, 10, 14));

        // 5 x 7 positions; 3 x 3 x 3 weights for each of 8 channels, then 4 for each of 6. The first layer's input needs no gradient.
        const double first = 2.0 * 5 * 7 * 3 * 3 * 3 * 8, second = 2.0 * 5 * 7 * 4 * 6;
        Assert.Equal([new LayerWork("first", first, first), new LayerWork("second", second, 2 * second)], work.Layers);
        Assert.Equal((first + second, first + (2 * second)), (work.Layers.Sum(layer => layer.ForwardFlops), work.Layers.Sum(layer => layer.BackwardFlops)));
    }
}
