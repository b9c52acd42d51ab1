using Convoy.Lanes.Data;
using Convoy.Training.Loading;
using static TorchSharp.torch;

namespace Convoy.Lanes.Tests.Data;

public sealed class SyntheticLaneBatchesTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Epoch_Synthetic_GivesTheSameBatchForEveryWholeBatch(bool channelsLast)
    {
        using var scope = NewDisposeScope();
        var options = new LaneLoaderOptions { ImageSize = new ImageSize(40, 24), BatchSize = 2, ChannelsLast = channelsLast };
        using IBatchSource<LaneBatch> batches = SyntheticLaneBatches.Create(options, frameCount: 9, seed: 3);
        var images = new List<Tensor>();
        var masks = new List<Tensor>();
        foreach (LaneBatch batch in batches.Epoch([8, 7, 6, 5, 4, 3, 2], epoch: 0, firstBatch: 1, TestContext.Current.CancellationToken))
        {
            using LaneBatch taken = batch;
            images.Add(taken.Images.clone());
            masks.Add(taken.Masks.clone());
            Assert.Equal(channelsLast, !taken.Images.is_contiguous());
        }

        // Three whole batches are in seven frames; one is left out.
        Assert.Equal(2, images.Count);
        Assert.Equal([2, 3, 24, 40], images[0].shape);
        Assert.True(images[0].eq(images[1]).all().item<bool>() && masks[0].eq(masks[1]).all().item<bool>());
        Assert.InRange(images[0].std().item<float>(), 0.9, 1.1);
        Assert.Equal(4 * 24 * 2, masks[0].sum().item<long>()); // four lanes of one column in each image
    }
}
