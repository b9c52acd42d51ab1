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

    [Fact]
    public void Count_EveryKindOfLayer_IsItsClosedForm()
    {
        using DisposeScope scope = NewDisposeScope();
        using var lstm = nn.LSTM(5, 7, numLayers: 2, bidirectional: true, batchFirst: true);
        using var gru = nn.GRU(5, 7, batchFirst: true);
        Tensor sequence = zeros(2, 11, 5);

        // 11 elements a sample: 4 gates of (5 + 7) x 7 weights, in the second layer of (14 + 7) x 7, in both directions; the GRU has 3 gates. The input needs no gradient.
        Assert.Equal(11 * 2 * 2 * 4 * 7 * (12 + 21.0), Work(lstm, () => lstm.call(sequence)).ForwardFlops);
        Assert.Equal(11 * 2 * 3 * 7 * 12.0, Work(gru, () => gru.call(sequence)).ForwardFlops);
        Assert.Equal(11 * 2 * 3 * 7 * 12.0, Work(gru, () => gru.call(sequence)).BackwardFlops);

        // Positions of the output and, where a convolution is turned round, of the input.
        Assert.Equal(2 * 11 * 5 * 6.0, OfOne(nn.Linear(5, 6), sequence).ForwardFlops);
        Assert.Equal(2 * 9 * 3 * 5 * 6.0, OfOne(nn.Conv1d(5, 6, 3), zeros(2, 5, 11)).ForwardFlops);
        Assert.Equal(2 * 8 * 27 * 5 * 6.0, OfOne(nn.Conv3d(5, 6, 3), zeros([2, 5, 4, 4, 4])).ForwardFlops);
        Assert.Equal(2 * 20 * 4 * 5 * 6.0, OfOne(nn.ConvTranspose2d(5, 6, 2, 2), zeros(2, 5, 4, 5)).ForwardFlops);

        static LayerWork OfOne(nn.Module<Tensor, Tensor> layer, Tensor input) => Work(layer, () => layer.call(input));
    }

    [Fact]
    public void Count_ALayerThatIsCalledTwice_IsTheSum()
    {
        using DisposeScope scope = NewDisposeScope();
        var layer = nn.Linear(4, 4);

        Assert.Equal(new LayerWork("", 2 * 2 * 16, (1 + 2) * 2 * 16), Work(layer, () => layer.call(layer.call(zeros(2, 4)))));
    }

    [Fact]
    public void FlopsPerSample_OfAFrozenLayer_LeavesItsGradientsOut()
    {
        using DisposeScope scope = NewDisposeScope();
        var network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4));
        foreach (var parameter in network.parameters().Take(2))
        {
            parameter.requires_grad = false;
        }

        // The first layer has no gradient at all; the second only those of its weights.
        Assert.Equal(32 + 32 + 32, Count(network, () => network.call(zeros(2, 4))).FlopsPerSample);
    }

    [Fact]
    public void FlopsPerSample_OfANetworkWithWeightsThatNobodyCounts_IsNotKnown()
    {
        using DisposeScope scope = NewDisposeScope();
        var linear = nn.Linear(4, 4);
        var table = nn.Embedding(100, 4);
        var position = new TorchSharp.Modules.Parameter(zeros(1, 1, 1));

        Assert.Null(Count(nn.Bilinear(4, 4, 4), () => { }).FlopsPerSample);
        Assert.Null(Count(new Several(linear, nn.Bilinear(4, 4, 4)), () => linear.call(zeros(2, 4))).FlopsPerSample);
        Assert.Equal(64, Count(new Several(linear, table, position), () => linear.call(zeros(2, 4))).FlopsPerSample);

        // A weight that two layers share counts once.
        var tied = nn.Linear(4, 100, hasBias: false);
        tied.weight = table.weight!;
        Assert.Equal(2 * 2 * 400.0, Count(new Several(table, tied), () => tied.call(zeros(2, 4))).FlopsPerSample);
    }

    private static NetworkWork Count(nn.Module network, Action forward)
    {
        NetworkWork work = NetworkWork.Count(network, 2);
        forward();
        work.Complete();
        return work;
    }

    private static LayerWork Work(nn.Module network, Action forward) => Assert.Single(Count(network, forward).Layers);

    private sealed class Several : nn.Module
    {
        public Several(params object[] parts)
            : base(nameof(Several))
        {
            foreach ((int i, object part) in parts.Index())
            {
                if (part is nn.Module module)
                {
                    register_module($"part{i}", module);
                }
                else
                {
                    register_parameter($"part{i}", (TorchSharp.Modules.Parameter)part);
                }
            }
        }
    }
}
