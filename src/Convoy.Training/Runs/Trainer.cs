using Convoy.Distributed;
using Convoy.Distributed.Data;
using Convoy.Distributed.Diagnostics;
using Convoy.Metrics;
using Convoy.Training.Checkpoints;
using Convoy.Training.Kernels;
using Convoy.Training.Loading;
using Convoy.Training.Measurement;
using Convoy.Training.Options;
using Convoy.Training.Tasks;
using static TorchSharp.torch;

namespace Convoy.Training.Runs;

/// <summary>
/// One rank's part of a training run. With one process and with many the same code runs; ranks differ in which samples
/// of each batch they see, and in that rank 0 writes what there is one of.
/// </summary>
/// <typeparam name="TModel">The model.</typeparam>
/// <typeparam name="TBatch">A batch.</typeparam>
public sealed class Trainer<TModel, TBatch> : IDisposable
    where TModel : nn.Module
    where TBatch : IDisposable
{
    private readonly ITrainingTask<TModel, TBatch> _task;
    private readonly RunConfiguration _configuration;
    private readonly RunDirectory _run;
    private readonly ProcessGroup _group;
    private readonly TrainingContext _context;
    private readonly IBatchSource<TBatch> _batches;
    private readonly TrainingPlan _plan;
    private readonly DistributedSampler _sampler;
    private readonly TrainingStep<TModel, TBatch> _step;
    private readonly LastUpdate? _lastUpdate;
    private IReadOnlyList<string> _warnings = [];
    private IReadOnlyDictionary<string, double>? _evaluation;
    private double _best = double.NaN;
    private long _number;

    /// <summary>Builds everything that the run needs and, where the run has a checkpoint, goes back to it. All ranks call it together.</summary>
    /// <param name="task">The task, with its settings set.</param>
    /// <param name="configuration">The run's settings, the same on every rank.</param>
    /// <param name="run">Where the run keeps its files.</param>
    /// <param name="context">The process, with the settings of <paramref name="configuration"/>.</param>
    /// <param name="trace">Told of the steps and their phases; stays the caller's. Null for none.</param>
    /// <exception cref="BadInputException">The data is missing or damaged, or the checkpoint is of another model.</exception>
    public Trainer(ITrainingTask<TModel, TBatch> task, RunConfiguration configuration, RunDirectory run, TrainingContext context, TraceRecorder? trace = null)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(context);
        (_task, _configuration, _run, _context, _group) = (task, configuration, run, context, context.Group);
        TrainingOptions options = configuration.Training;
        _batches = task.OpenData(context);
        RequireSameCounts(_group.AllGatherObject(_batches.SampleCount));
        _plan = new TrainingPlan(options, _batches.SampleCount, task.CreateSchedule);
        _sampler = new DistributedSampler(_batches.SampleCount, _group, shuffle: true, seed: options.Seed) { BatchSize = options.BatchSize };
        RandomSources sources = _group.Seed(options.Seed);
        _step = new TrainingStep<TModel, TBatch>(task, task.CreateModel(context), context, trace);
        sources.SeparateRanks(); // The model is made; dropout is each rank's own.
        Resume();
        _lastUpdate = options.Accumulate > 1 ? new LastUpdate(_step.Model) : null;
    }

    /// <summary>The model that trains.</summary>
    public TModel Model => _step.Model;

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
        using var record = new RunRecorder(_run, _group, _number, _task.SampleNoun, events);
        record.Start(new TrainingStart(_number, _plan.Steps, _plan.StepsPerEpoch), _warnings);
        bool stopping = false;
        NetworkWork? work = null;
        IReadOnlyDictionary<string, int>? kernels = null;
        foreach (TBatch batch in Batches())
        {
            using TBatch disposed = batch;
            if (work is null)
            {
                ChooseKernels(batch, record);
            }

            PlannedStep planned = _plan.At(_number + 1);
            NetworkWork? first = work is null ? work = NetworkWork.Count(Model, _context.LocalBatchSize) : null;
            (StepMetrics metrics, stopping) = _step.Run(batch, planned, stop.IsCancellationRequested);
            first?.Complete();
            kernels ??= KernelsOfConvolutions();
            _number = planned.Number;
            _lastUpdate?.Keep(planned);
            bool isBest = Evaluate(stopping);
            record.Add(metrics with { Evaluation = _evaluation });
            if (stopping ? _plan.KeepsCheckpoints && GoBackToLastUpdate() : isBest || _plan.IsCheckpoint(_number))
            {
                WriteCheckpoint(record, metrics.ElapsedTime);
            }

            if (stopping || _number == _plan.Steps)
            {
                break;
            }
        }

        WriteResults(finished: !stopping);
        record.Finish(_configuration, RecordedLaunch.Create(_configuration, OptionTable.For(_task.Settings.GetType()), RecordedValues()), work?.FlopsPerSample, kernels is { Count: > 0 } ? kernels : null);
        return new TrainingOutcome(_number, stopping && _number < _plan.Steps);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _batches.Dispose();
        _step.Dispose();
        _lastUpdate?.Dispose();
    }

    private void ChooseKernels(TBatch batch, RunRecorder record)
    {
        TrainingOptions options = _configuration.Training;
        _step.ChooseKernels(batch, new KernelChooser(options, _group, _run.Kernels, () => KernelCache.Of(options, _group), _context.Time, remark => record.Tell(remark.IsWarning ? new TrainingEvent { Warning = remark.Text } : new TrainingEvent { Note = remark.Text })));
    }

    // Those that a table names, after the first step: an evaluation has passes of its own, and a first layer asks for the gradient of its input, which nobody needs.
    private Dictionary<string, int> KernelsOfConvolutions() =>
        _step.Kernels.Used.Where(used => _step.Kernels.Table.Choices.Any(choice => choice.Key.IsSameLayer(used.Key))).CountBy(used => used.Value)
            .OrderByDescending(entry => entry.Value).ThenBy(entry => entry.Key, StringComparer.Ordinal).ToDictionary();

    // Ranks that count differently shuffle differently: samples would be seen twice, or never.
    private void RequireSameCounts(IReadOnlyList<int> counts)
    {
        int other = counts.ToList().FindIndex(count => count != counts[0]);
        if (other >= 0)
        {
            _batches.Dispose();
            throw new BadInputException(
                "the training data is not the same on all ranks",
                FormattableString.Invariant($"{counts[other]} {_task.SampleNoun}s on rank {other}, but {counts[0]} on rank 0"),
                "Put the same data under the same path on every host.");
        }
    }

    // This rank's batches, epoch after epoch, from the one that is next. A step begins before its batch is fetched.
    private IEnumerable<TBatch> Batches()
    {
        while (_number < _plan.Steps)
        {
            _sampler.Epoch = _plan.EpochAfter(_number);
            _step.Begin();
            foreach (TBatch batch in _batches.Epoch([.. _sampler.Select(index => checked((int)index))], _sampler.Epoch, _plan.BatchesDoneInEpochAfter(_number), CancellationToken.None))
            {
                yield return batch;
                _step.Begin();
            }
        }
    }

    // Rank 0 looks for the checkpoint and takes what is newer off the way, once for all: reading every file to compare it with its
    // sum takes time, and ranks that looked for themselves could come to different ends while the folder changes.
    private void Resume()
    {
        const long none = -1;
        long step = FirstRank.Run(_group, "look for a checkpoint", () =>
        {
            StartingPoint start = StartingPoint.Find(_run, _group.Size);
            _run.GoBackTo(start.Checkpoint?.State.Step ?? 0);
            _warnings = start.Warnings;
            return start.Checkpoint?.State.Step ?? none;
        });
        if (step != none)
        {
            Checkpoint checkpoint = _run.Shared is { } shared ? Checkpoint.Open(shared.Bring(CheckpointName(step))) : _run.CheckpointOf(step);
            checkpoint.Restore(_step.Model, _step.Optimizer);
            _step.RestoreScaler(checkpoint.State.GradScaler);
            _step.ElapsedBefore = checkpoint.State.ElapsedTime;
            RandomStates.Restore(checkpoint, _group);
            _number = step;

            // Rank 0's, as it has all checkpoints: ranks that differ here would not agree on the next one.
            _best = _group.BroadcastObject(_group.Rank == 0 && _task.Best is { } goal ? _run.BestCheckpoint(goal)?.State.Metric(goal) ?? double.NaN : double.NaN);
        }
    }

    // As rank 0 finds it, in the run's folder.
    private string CheckpointName(long step) => _group.BroadcastObject(_group.Rank == 0 ? Path.GetRelativePath(_run.Root, _run.CheckpointOf(step).Folder) : string.Empty);

    // Whether the model is better than ever before by the task's goal.
    private bool Evaluate(bool stopping)
    {
        _evaluation = !stopping && _plan.IsEvaluation(_number, _task.EvaluatesAtEnd) ? _step.Evaluate(_context) : null;
        if (_task.Best is not { } goal || _evaluation?.TryGetValue(goal.Name, out double value) != true || !goal.IsBetter(value, _best))
        {
            return false;
        }

        _best = value;
        return true;
    }

    // Whether there is a new update since this session began, whose state is then the model's.
    private bool GoBackToLastUpdate()
    {
        if (!_plan.IsUpdate(_number))
        {
            if (_lastUpdate?.Step is not { } step)
            {
                return false;
            }

            _lastUpdate.Restore();
            _number = step;
        }

        return true;
    }

    private void WriteCheckpoint(RunRecorder record, double elapsed)
    {
        var state = new CheckpointState
        {
            Step = _number,
            ElapsedTime = elapsed,
            GradScaler = _step.ScalerState,
            Metrics = _evaluation,
            Task = _task.CheckpointState,
        };
        using RandomStates states = RandomStates.Gather(_group);
        record.BeforeCheckpoint();
        FirstRank.Run(_group, $"write the checkpoint of step {_number}", () =>
        {
            record.AddCheckpoint(Checkpoint.Write(_run.Checkpoints, _step.Model, _step.Optimizer, states.Tensors, state, _configuration.Training.KeepCheckpoints, _task.Best).Folder);
            return _number;
        });
    }

    private IReadOnlyDictionary<string, string> RecordedValues() => (_task as ITaskPreparation)?.RecordedValues(_run.Root) ?? new Dictionary<string, string>();

    private void WriteResults(bool finished)
    {
        if (finished && _plan.KeepsCheckpoints && _group.Rank == 0)
        {
            Model.eval();
            using IDisposable noGradient = no_grad();
            _task.WriteResults(Model, _context);
            Model.train();
        }
    }
}

/// <summary>How a run, or this part of it, ended.</summary>
/// <param name="StepsDone">Steps that its last checkpoint has.</param>
/// <param name="Interrupted">Whether it was asked to stop before its last step.</param>
public sealed record TrainingOutcome(long StepsDone, bool Interrupted);
