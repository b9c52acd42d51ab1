using System.Diagnostics;
using Convoy.Distributed;
using Convoy.Distributed.Nn;
using Convoy.Lanes.Checkpoints;
using Convoy.Lanes.Losses;
using Convoy.Lanes.Models;
using Convoy.Lanes.Training;
using Convoy.Torch.Nn;
using Convoy.Torch.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.PeerComparison;

/// <summary>
/// One rank of Convoy's side: what <see cref="Trainer"/> does in a step, with its parts, on weights and batches that come from files. Rank r
/// takes the r-th of the equal, contiguous parts of each batch.
/// </summary>
internal sealed class PeerRank : IDisposable
{
    private readonly PeerSettings _settings;
    private readonly PeerFolder _folder;
    private readonly ProcessGroup _group;
    private readonly ScalarType _dtype;
    private readonly TrainingPlan _plan;
    private readonly nn.Module<Tensor, Tensor> _network;
    private readonly DistributedDataParallel<Tensor, Tensor> _model;
    private readonly LaneLoss _criterion;
    private readonly MixedPrecision _precision;
    private readonly ParameterUpdate _update;

    /// <summary>Builds the model on the weights of <paramref name="folder"/>.</summary>
    public PeerRank(PeerSettings settings, PeerFolder folder, ProcessGroup group)
    {
        (_settings, _folder, _group) = (settings, folder, group);
        TrainingOptions options = settings.ToTrainingOptions();
        _dtype = settings.Precision == "fp64" ? ScalarType.Float64 : ScalarType.Float32;
        _plan = new TrainingPlan(options, settings.Steps * settings.BatchSize);
        _criterion = new LaneLoss(fused: options.Fuse.HasFlag(FusedOperations.Loss));
        _network = PeerNetwork.Create(settings.Network);
        ModelWeights.Load(_network, folder.Weights);
        _network.to(_dtype);
        _network = TrainingNetwork.Prepare(_network, options, group);
        _model = new DistributedDataParallel<Tensor, Tensor>(_network, group);
        _precision = new MixedPrecision(options.Precision, group);
        _update = new ParameterUpdate(options, _model, _precision.Scaler, _plan.LearningRate(1));
    }

    /// <summary>Takes every step.</summary>
    /// <param name="report">Told, after each step, its number, the mean of the ranks' losses, and this rank's seconds.</param>
    public void Run(Action<int, double, double> report)
    {
        for (int step = 1; step <= _settings.Steps; step++)
        {
            using var scope = NewDisposeScope();
            (Tensor images, Tensor masks) = Load(step);
            _group.Barrier();
            long start = Stopwatch.GetTimestamp();
            Tensor loss = TakeStep(step, images, masks);
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;

            Tensor mean = tensor([loss.to(ScalarType.Float64).item<double>()]);
            _group.AllReduce(mean, ReduceOp.Average);
            report(step, mean.item<double>(), seconds);
        }

        if (_settings.Dump && _group.Rank == 0)
        {
            ModelWeights.Save(_network, _folder.LastWeights);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _update.Dispose();
        _model.Dispose();
        _network.Dispose();
        _criterion.Dispose();
    }

    private Tensor TakeStep(int step, Tensor images, Tensor masks)
    {
        bool update = _plan.IsUpdate(step);
        using IDisposable? accumulating = update ? null : _model.NoSync();
        Tensor loss = Forward(images, masks);
        _model.Backward(loss / _settings.Accumulate);
        if (update)
        {
            Update(step);
        }

        return loss;
    }

    private Tensor Forward(Tensor images, Tensor masks)
    {
        using IDisposable? region = _precision.EnterForward();
        return _criterion.call(_model.call(images), masks);
    }

    private void Update(int step)
    {
        if (_settings.Dump && _group.Rank == 0 && step <= _settings.Accumulate)
        {
            SafetensorsFile.Write(_folder.Gradients, _network.named_parameters().ToDictionary(pair => pair.name, pair => (Tensor)pair.parameter.grad!));
        }

        _update.Run(_plan.LearningRate(step));
    }

    private (Tensor Images, Tensor Masks) Load(int step)
    {
        Dictionary<string, Tensor> batch = SafetensorsFile.Read(_folder.Batch((step - 1) % _settings.Batches));
        long first = _group.Rank * _settings.LocalBatchSize;
        Tensor images = batch["images"].narrow(0, first, _settings.LocalBatchSize).to(_dtype);
        images = _settings.ChannelsLast ? images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : images.contiguous();
        return (images, batch["masks"].narrow(0, first, _settings.LocalBatchSize).to(ScalarType.Byte));
    }
}
