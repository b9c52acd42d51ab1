using System.Diagnostics;
using Convoy.Cli.Benchmarks.Profiling;
using Convoy.Cli.Doctor;
using Convoy.Distributed;
using Convoy.Lanes.Data;
using Convoy.Lanes.Training;
using Convoy.Metrics;
using Convoy.Training.Loading;
using static TorchSharp.torch;

namespace Convoy.Cli.Benchmarks.Steps;

/// <summary>One rank of a run of <c>convoy bench step</c>: the trainer of <c>convoy train</c> on batches that are there at once.</summary>
internal sealed class StepWorker(ProcessGroup group, StepSettings settings) : IProgress<TrainingEvent>, IDisposable
{
    private readonly List<StepMetrics> _steps = [];
    private OperatorRecorder? _recorder;
    private StepTimeline? _timeline;
    private long _lastStep;

    /// <summary>Trains; all ranks call it together.</summary>
    /// <returns>What was measured; of rank 0 also the steps.</returns>
    public StepRun Run(CancellationToken stop)
    {
        TrainingOptions options = settings.TrainingOptions();
        double peak = Agree(MatrixPeak(options.Precision), ReduceOp.Sum);
        _lastStep = options.Steps!.Value;
        var batches = SyntheticLaneBatches.Create(TrainingData.LoaderOptions(options), (int)_lastStep * options.BatchSize, options.Seed + group.Rank);
        using var trainer = new Trainer(options, new RunDirectory(settings.Folder), group, TimeProvider.System, batches);
        if (settings.Profile && group.Rank == 0)
        {
            _recorder = new OperatorRecorder();
            _timeline = new StepTimeline(TimeProvider.System, () => _recorder.NextSequence);
            LayerHooks.Attach(trainer.Network, _timeline);
        }

        trainer.Run(this, stop);

        using Process self = Process.GetCurrentProcess();
        return new StepRun(_steps, peak, (long)Agree(self.PeakWorkingSet64, ReduceOp.Max), _timeline?.Rows(), _timeline?.Operators());
    }

    /// <summary>Told on rank 0, right after each step.</summary>
    public void Report(TrainingEvent value)
    {
        if (value.Step is not { } step)
        {
            return;
        }

        if (step.Step > settings.WarmUp)
        {
            _steps.Add(step);
        }

        if (step.Step == _lastStep)
        {
            _recorder?.Tell(null);
        }
        else if (step.Step >= settings.WarmUp && _timeline is not null)
        {
            _timeline.StartStep();
            _recorder!.Tell(_timeline);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _recorder?.Dispose();

    private double MatrixPeak(Precision precision)
    {
        group.Barrier();
        return MatrixMultiplyMeter.FlopsPerSecond(precision switch
        {
            Precision.Bf16 => ScalarType.BFloat16,
            Precision.Fp16 => ScalarType.Float16,
            _ => ScalarType.Float32,
        });
    }

    private double Agree(double value, ReduceOp op)
    {
        using Tensor shared = tensor([value], ScalarType.Float64);
        group.AllReduce(shared, op);
        return shared[0].item<double>();
    }
}
