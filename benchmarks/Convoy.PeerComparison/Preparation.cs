using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;
using Convoy.Torch.Serialization;
using Convoy.Training.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.PeerComparison;

/// <summary>Writes what both sides start from: the weights and the batches.</summary>
internal static class Preparation
{
    /// <summary>Writes the seeded weights, and the first frames of the data in order, without random changes.</summary>
    public static void Run(PeerSettings settings, PeerFolder folder)
    {
        random.manual_seed(settings.Seed);
        using (nn.Module<Tensor, Tensor> network = PeerNetwork.Create(settings.Network, settings.Encoder))
        {
            ModelWeights.Save(network, folder.Weights);
        }

        int images = settings.Batches * settings.BatchSize;
        LaneDataset frames = Frames(settings, folder, images);
        using var loader = new LaneDataLoader(frames, new LaneLoaderOptions { ImageSize = ImageSize.Parse(settings.ImageSize), BatchSize = settings.BatchSize });
        int number = 0;
        foreach (LaneBatch batch in loader.Epoch([.. Enumerable.Range(0, images).Select(image => image % frames.Count)], epoch: 0))
        {
            using LaneBatch filled = batch;
            using Tensor masks = filled.Masks.to(ScalarType.Byte);
            SafetensorsFile.Write(folder.Batch(number), new Dictionary<string, Tensor> { ["images"] = filled.Images, ["masks"] = masks });
            number++;
        }
    }

    private static LaneDataset Frames(PeerSettings settings, PeerFolder folder, int images)
    {
        if (settings.Data != "synthetic")
        {
            return LaneDataset.Open(settings.Data);
        }

        SyntheticDataset.Write(folder.Drawn, new SyntheticOptions { Frames = images, Seed = settings.Seed, Size = new ImageSize(640, 360) });
        return LaneDataset.Open(folder.Drawn);
    }
}
