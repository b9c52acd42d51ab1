using Convoy.Distributed;
using Convoy.Distributed.Data;
using Convoy.Distributed.Diagnostics;
using Convoy.Distributed.GradientReduction;
using Convoy.Distributed.Nn;
using Convoy.Lanes.Checkpoints;
using Convoy.Lanes.Data;
using Convoy.Lanes.Losses;
using Convoy.Lanes.Models;
using Convoy.Metrics;
using static TorchSharp.torch;

namespace Convoy.Lanes.Training;

/// <summary>
/// One rank's part of a training run. With one process and with many the same code runs; ranks differ in which images
/// of each batch they see, and in that rank 0 writes what there is one of.
/// </summary>
public sealed class Trainer : IDisposable
{
    private readonly TrainingOptions _options;
    private readonly RunDirectory _run;
    private readonly ProcessGroup _group;
    private readonly TimeProvider _time;
    private readonly TraceRecorder? _trace;
    private readonly TrainingPlan _plan;
    private readonly ILaneBatchSource _batches;
    private readonly DistributedSampler _sampler;
    private readonly nn.Module<Tensor, Tensor> _network;
    private readonly DistributedDataParallel<Tensor, Tensor> _model;
    private readonly LaneLoss _criterion;
    private readonly ParameterUpdate _update;
    private readonly LastUpdate? _lastUpdate;
    private readonly MixedPrecision _precision;
    private readonly double _elapsedBefore;
    private IReadOnlyList<string> _warnings = [];
    private long _step;

    /// <summary>Builds everything that the run needs and, where the run has a checkpoint, goes back to it.</summary>
    /// <param name="options">The run's settings, the same on every rank.</param>
    /// <param name="run">Where the run keeps its files.</param>
    /// <param name="group">The ranks; stays the caller's.</param>
    /// <param name="time">The clock that measures.</param>
    /// <param name="trace">Told of the steps and their phases; stays the caller's. Null for none.</param>
    /// <param name="stop">Ends the building of the frame cache.</param>
    public Trainer(TrainingOptions options, RunDirectory run, ProcessGroup group, TimeProvider time, TraceRecorder? trace = null, CancellationToken stop = default)
        : this(options, run, group, time, TrainingData.Load(options, time, stop), trace)
    {
    }

    /// <summary>Builds everything that the run needs on batches from elsewhere and, where the run has a checkpoint, goes back to it.</summary>
    /// <param name="options">The run's settings, the same on every rank. Those of the data do not count.</param>
    /// <param name="run">Where the run keeps its files.</param>
    /// <param name="group">The ranks; stays the caller's.</param>
    /// <param name="time">The clock that measures.</param>
    /// <param name="batches">Batches of <see cref="TrainingOptions.LocalBatchSize"/> images; the trainer's from now on.</param>
    /// <param name="trace">Told of the steps and their phases; stays the caller's. Null for none.</param>
    public Trainer(TrainingOptions options, RunDirectory run, ProcessGroup group, TimeProvider time, ILaneBatchSource batches, TraceRecorder? trace = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(batches);
        (_options, _run, _group, _time, _trace, _batches) = (options, run, group, time, trace, batches);
        _plan = new TrainingPlan(options, batches.FrameCount);
        _sampler = new DistributedSampler(batches.FrameCount, group, shuffle: true, seed: options.Seed, dropLast: true);
        random.manual_seed(options.Seed);
        bool fuseLoss = options.Fuse.HasFlag(FusedOperations.Loss);
        _criterion = new LaneLoss(fused: fuseLoss);
        _network = new LaneDetectionModel(options.Encoder, options.Fuse) { UpsampleLogits = !fuseLoss };
        if (options.Pretrained is not null)
        {
            ModelWeights.LoadPretrained(_network, options.Pretrained);
        }

        _network = TrainingNetwork.Prepare(_network, options, group);
        _model = new DistributedDataParallel<Tensor, Tensor>(_network, group);
        _precision = new MixedPrecision(options.Precision, group);
        _update = new ParameterUpdate(options, _model, _precision.Scaler, _plan.LearningRate(1));
        if (AgreeOnStart() is { } checkpoint)
        {
            checkpoint.Restore(_network, _update.Optimizer);
            _precision.Restore(checkpoint.State.GradScaler);
            _step = checkpoint.State.Step;
            _elapsedBefore = checkpoint.State.ElapsedTime;
        }

        _lastUpdate = options.Accumulate > 1 ? new LastUpdate(_network) : null;
    }

    /// <summary>The network that trains, for hooks that watch it.</summary>
    public nn.Module<Tensor, Tensor> Network => _network;

    /// <summary>
    /// Trains to the plan's last step, or until some rank's <paramref name="stop"/> is seen. Steps since the last update are then
    /// given up, as many of them may not fit into the time that is left.
    /// </summary>
    /// <param name="events">Told, on rank 0, of each step and checkpoint.</param>
    /// <param name="stop">Asks for an end after the present step.</param>
    /// <exception cref="TrainingDivergedException">The loss is no longer finite.</exception>
    /// <exception cref="Distributed.DistributedException">Another rank failed.</exception>
    public TrainingOutcome Run(IProgress<TrainingEvent> events, CancellationToken stop)
    {
        using var record = new RunRecorder(_run, _group, _step, events);
        foreach (string warning in _warnings)
        {
            record.Warn(warning);
        }

        record.Start(new TrainingStart(_step, _plan.Steps, _plan.StepsPerEpoch));
        var clock = new StepClock(_time);
        long start = _time.GetTimestamp();
        bool stopping = false;
        while (_step < _plan.Steps && !stopping)
        {
            _sampler.Epoch = _plan.EpochAfter(_step);
            StartStep(clock);
            foreach (LaneBatch batch in _batches.Epoch(_sampler.Indices(), _sampler.Epoch, _plan.BatchesDoneInEpochAfter(_step), CancellationToken.None))
            {
                using LaneBatch images = batch;
                _step++;
                StepMetrics metrics = TakeStep(images, clock, stop.IsCancellationRequested, out stopping);
                metrics = metrics with { BackwardTime = metrics.BackwardTime + clock.Lap() };
                double stepTime = clock.StepSeconds;
                double elapsed = _elapsedBefore + _time.GetElapsedTime(start).TotalSeconds;
                record.Add(metrics with { Timestamp = _time.GetUtcNow(), ElapsedTime = elapsed, StepTime = stepTime });
                if (stopping ? _plan.KeepsCheckpoints && GoBackToLastUpdate() : _plan.IsCheckpoint(_step))
                {
                    record.Checkpoint(() => WriteCheckpoint(elapsed));
                }

                if (stopping || _step == _plan.Steps)
                {
                    break;
                }

                StartStep(clock);
            }
        }

        record.Finish(_options);
        return new TrainingOutcome(_step, stopping && _step < _plan.Steps);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _batches.Dispose();
        _update.Dispose();
        _model.Dispose();
        _network.Dispose();
        _lastUpdate?.Dispose();
        _criterion.Dispose();
    }

    // Rank 0 looks for the checkpoint and takes what is newer off the way, once for all: reading every file to compare it with its
    // sum takes time, and ranks that looked for themselves could come to different ends while the folder changes.
    private Checkpoint? AgreeOnStart()
    {
        const long none = -1;
        using Tensor step = tensor(none, ScalarType.Int64);
        if (_group.Rank == 0)
        {
            StartingPoint start = StartingPoint.Find(_run, _group.Size);
            _run.GoBackTo(start.Checkpoint?.State.Step ?? 0);
            _warnings = start.Warnings;
            step.fill_(start.Checkpoint?.State.Step ?? none);
        }

        _group.Broadcast(step, root: 0);
        return step.item<long>() is not none and { } agreed ? _run.CheckpointOf(agreed) : null;
    }

    // One forward and backward pass over this rank's images and, where one is due, an update.
    private StepMetrics TakeStep(LaneBatch batch, StepClock clock, bool stop, out bool anyRankStops)
    {
        using var scope = NewDisposeScope();
        bool update = _plan.IsUpdate(_step);
        double learningRate = _plan.LearningRate(_step);
        double dataTime = Lap(clock, "data");

        using IDisposable? accumulating = update ? null : _model.NoSync();
        Tensor loss = Forward(batch);
        double forwardTime = Lap(clock, "forward");

        _model.Backward(_precision.Scaler.Scale(loss / _options.Accumulate));
        _trace?.Lap("backward", TimeSpan.FromSeconds(_model.LastTimings.BackwardSeconds));
        double backwardTime = Lap(clock, "exposed communication");

        if (update)
        {
            _update.Run(learningRate);
            _lastUpdate?.Keep(_step);
        }

        double optimizerTime = Lap(clock, "optimizer");
        double meanLoss = AgreeOnStep(loss, stop, out anyRankStops);
        ReducerTimings reduction = _model.LastTimings;
        return new StepMetrics
        {
            Timestamp = default,
            Rank = _group.Rank,
            Step = _step,
            Loss = meanLoss,
            BatchSize = _options.BatchSize,
            WorldSize = _group.Size,
            Threads = _options.Threads,
            LearningRate = learningRate,
            ElapsedTime = 0,
            DataTime = dataTime,
            ForwardTime = forwardTime,
            BackwardTime = Math.Max(0, backwardTime - reduction.CommunicationSeconds - reduction.WaitSeconds),
            CommTime = reduction.CommunicationSeconds,
            CommTotalTime = reduction.CommunicationTotalSeconds,
            WaitTime = reduction.WaitSeconds + Lap(clock, "agree"),
            OptimizerTime = update ? optimizerTime : 0,
        };
    }

    // Whether there is a new update since this session began, whose state is then the model's.
    private bool GoBackToLastUpdate()
    {
        if (!_plan.IsUpdate(_step))
        {
            if (_lastUpdate?.Step is not { } step)
            {
                return false;
            }

            _lastUpdate.Restore();
            _step = step;
        }

        return true;
    }

    private void StartStep(StepClock clock)
    {
        _trace?.StartStep();
        clock.StartStep();
    }

    private double Lap(StepClock clock, string phase)
    {
        _trace?.Lap(phase);
        return clock.Lap();
    }

    private Tensor Forward(LaneBatch batch)
    {
        using IDisposable? region = _precision.EnterForward();
        return _criterion.call(_model.call(batch.Images), batch.Masks);
    }

    // The ranks' losses and their wish to stop travel together: one small message a step.
    private double AgreeOnStep(Tensor loss, bool stop, out bool anyRankStops)
    {
        using Tensor shared = tensor([loss.item<float>(), stop ? 1 : 0], ScalarType.Float64);
        _group.AllReduce(shared, ReduceOp.Average);
        double meanLoss = shared[0].item<double>();
        anyRankStops = shared[1].item<double>() > 0;
        return double.IsFinite(meanLoss) ? meanLoss : throw new TrainingDivergedException(_step, meanLoss);
    }

    private string WriteCheckpoint(double elapsed) =>
        Checkpoint.Write(
            _run.Checkpoints,
            _network,
            _update.Optimizer,
            new CheckpointState
            {
                Step = _step,
                Encoder = _options.Encoder.ToString(),
                ImageSize = _options.ImageSize.ToString(),
                LineWidth = _options.LineWidth,
                ElapsedTime = elapsed,
                GradScaler = _precision.State,
            },
            _options.KeepCheckpoints).Folder;
}
