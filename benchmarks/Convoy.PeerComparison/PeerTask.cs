using Convoy.Lanes.Losses;
using Convoy.Torch.Nn;
using Convoy.Training.Checkpoints;
using Convoy.Training.Loading;
using Convoy.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.PeerComparison;

/// <summary>The comparison's network and loss as a task, from weights and batches that are files. Its steps are taken one by one, so it has no data of its own.</summary>
/// <param name="settings">What both sides do.</param>
/// <param name="folder">The files.</param>
internal sealed class PeerTask(PeerSettings settings, PeerFolder folder) : ITrainingTask<nn.Module<Tensor, Tensor>, PeerBatch>, IDisposable
{
    private readonly LaneLoss _criterion = new(fused: settings.ToTrainingOptions().Fuse.Has(FusedOperations.Loss));

    /// <summary>The type of weights and images.</summary>
    public ScalarType Dtype => settings.Precision == "fp64" ? ScalarType.Float64 : ScalarType.Float32;

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> CreateModel(TrainingContext context)
    {
        nn.Module<Tensor, Tensor> network = PeerNetwork.Create(settings.Network, settings.Encoder);
        ModelWeights.Load(network, folder.Weights);
        return network.to(Dtype);
    }

    /// <inheritdoc/>
    public Tensor Loss(nn.Module<Tensor, Tensor> model, PeerBatch batch) => _criterion.call(model.call(batch.Images), batch.Masks);

    /// <inheritdoc/>
    public IBatchSource<PeerBatch> OpenData(TrainingContext context) => throw new NotSupportedException("The batches of a comparison are files.");

    /// <inheritdoc/>
    public void Dispose() => _criterion.Dispose();
}

/// <summary>One rank's part of a batch: images [N, 3, H, W] and masks [N, H, W].</summary>
internal sealed record PeerBatch(Tensor Images, Tensor Masks) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Images.Dispose();
        Masks.Dispose();
    }
}
