using System.Diagnostics;
using Convoy.Distributed;
using Convoy.Torch.Serialization;
using Convoy.Training.Checkpoints;
using Convoy.Training.Kernels;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.PeerComparison;

/// <summary>
/// One rank of Convoy's side: the step of a training run, on weights and batches that come from files. Rank r takes the r-th of the equal, contiguous parts of
/// each batch.
/// </summary>
internal sealed class PeerRank : IDisposable
{
    private readonly PeerSettings _settings;
    private readonly PeerFolder _folder;
    private readonly ProcessGroup _group;
    private readonly TrainingPlan _plan;
    private readonly PeerTask _task;
    private readonly TrainingStep<nn.Module<Tensor, Tensor>, PeerBatch> _step;

    /// <summary>Builds the model on the weights of <paramref name="folder"/>.</summary>
    public PeerRank(PeerSettings settings, PeerFolder folder, ProcessGroup group)
    {
        (_settings, _folder, _group) = (settings, folder, group);
        TrainingOptions options = settings.ToTrainingOptions();
        _plan = new TrainingPlan(options, settings.Steps * settings.BatchSize);
        _task = new PeerTask(settings, folder);
        var context = new TrainingContext(options, group, folder.Path);
        _step = new TrainingStep<nn.Module<Tensor, Tensor>, PeerBatch>(_task, _task.CreateModel(context), context) { BeforeUpdate = DumpGradients };
    }

    /// <summary>Takes every step.</summary>
    /// <param name="report">Told of each step right after it.</param>
    public void Run(Action<PeerStep> report)
    {
        using (PeerBatch first = Load(1))
        {
            TrainingOptions options = _settings.ToTrainingOptions();
            _step.ChooseKernels(first, new KernelChooser(options, _group, recorded: null, () => KernelCache.Of(options, _group), TimeProvider.System, remark => Console.Error.WriteLine(remark.Text)));
        }

        var meeting = new PairMeeting(_settings, _group);
        int number = 0;
        while (meeting.GoesOn(number))
        {
            bool counts = meeting.Counts(number);

            // Steps beyond those of the settings, which warm up or keep the other run of a pair company, go through the plan again.
            int step = (number % _settings.Steps) + 1;
            number++;
            using PeerBatch batch = Load(step);
            _group.Barrier();
            long start = Stopwatch.GetTimestamp();
            _step.Begin();
            double loss = _step.Run(batch, _plan.At(step)).Metrics.Loss;
            long end = Stopwatch.GetTimestamp();
            report(new PeerStep(number, loss, Stopwatch.GetElapsedTime(start, end).TotalSeconds, Stopwatch.GetElapsedTime(0, end).TotalSeconds, counts));
        }

        if (_settings.Dump && _group.Rank == 0)
        {
            ModelWeights.Save(_step.Model, _folder.LastWeights);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _step.Dispose();
        _task.Dispose();
    }

    private void DumpGradients(PlannedStep step)
    {
        if (_settings.Dump && _group.Rank == 0 && step.Number <= _settings.Accumulate)
        {
            SafetensorsFile.Write(_folder.Gradients, _step.Model.named_parameters().ToDictionary(pair => pair.name, pair => (Tensor)pair.parameter.grad!));
        }
    }

    private PeerBatch Load(int step)
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> batch = SafetensorsFile.Read(_folder.Batch((step - 1) % _settings.Batches));
        long first = _group.Rank * _settings.LocalBatchSize;
        Tensor images = batch["images"].narrow(0, first, _settings.LocalBatchSize).to(_task.Dtype);
        images = _settings.ChannelsLast ? images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : images.contiguous();
        Tensor masks = batch["masks"].narrow(0, first, _settings.LocalBatchSize).to(ScalarType.Byte);
        return new PeerBatch(images.DetachFromDisposeScope(), masks.DetachFromDisposeScope());
    }
}

/// <summary>One step.</summary>
/// <param name="Number">Its number, from 1.</param>
/// <param name="Loss">The mean of the ranks' losses.</param>
/// <param name="Seconds">What it took on this rank.</param>
/// <param name="EndSeconds">When it ended, on the system's monotonic clock.</param>
/// <param name="Counts">Whether it came after the warm-up.</param>
internal readonly record struct PeerStep(int Number, double Loss, double Seconds, double EndSeconds, bool Counts);
