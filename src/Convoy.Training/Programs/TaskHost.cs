using System.Text.Json.Nodes;
using Convoy.Distributed;
using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Diagnostics;
using Convoy.Training.Kernels;
using Convoy.Training.Loading;
using Convoy.Training.Measurement;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Programs;

/// <summary>A task whose types of model and batch are no concern of the caller: what is done with any task in a process.</summary>
internal abstract class TaskHost
{
    /// <summary>The task's name, that of its class.</summary>
    public abstract string Name { get; }

    /// <summary>The object with the task's settings.</summary>
    public abstract object Settings { get; }

    /// <summary>The settings of a run where its user says nothing.</summary>
    public abstract TrainingOptions Defaults { get; }

    /// <summary>What a sample is called.</summary>
    public abstract string SampleNoun { get; }

    /// <summary>The task's settings, a row each.</summary>
    public OptionTable Table => field ??= OptionTable.For(Settings.GetType());

    /// <summary>What the task does before its processes start; null where it does nothing of that.</summary>
    protected abstract ITaskPreparation? Preparation { get; }

    /// <summary>Whether the task makes its data ready before its processes start.</summary>
    public bool Prepares => Preparation is not null;

    /// <summary>Makes a host.</summary>
    /// <exception cref="ArgumentException">A setting of the task has the name of one that every run has, so that neither a command line nor a file could set it.</exception>
    public static TaskHost Create<TModel, TBatch>(ITrainingTask<TModel, TBatch> task)
        where TModel : nn.Module
        where TBatch : IDisposable
    {
        var host = new TaskHost<TModel, TBatch>(task);
        OptionRow? taken = host.Table.Rows.FirstOrDefault(row => row.Setting == RunConfiguration.ProgramName || TrainingOptions.Table.Rows.Any(other => other.Setting == row.Setting || other.Name == row.Name));
        return taken is null ? host : throw new ArgumentException($"{host.Name}.{taken.Property} cannot be a setting: every run has {taken.Name}. Give the property another name.", nameof(task));
    }

    /// <summary>Sets the task's settings.</summary>
    /// <exception cref="BadInputException">The task has no setting of a name, or a value is not of its setting's kind, or outside its range.</exception>
    public void Apply(JsonObject settings, bool asOptions = true)
    {
        Table.RequireKnown(settings);
        Table.Apply(Settings, settings);
        Table.Validate(Settings, asOptions);
    }

    /// <summary>Checks the task's settings and data, and counts the samples.</summary>
    /// <param name="options">The run's settings.</param>
    /// <param name="folder">The run directory, which need not exist.</param>
    /// <param name="warn">Told what is strange but no error.</param>
    public int CountSamples(TrainingOptions options, string folder, Action<string> warn)
    {
        using var alone = new ProcessGroupSingle();
        var context = new TrainingContext(options, alone, folder) { Warn = warn };
        return Preparation?.CountSamples(context) ?? OpenAndCount(context);
    }

    /// <summary>The data in words.</summary>
    public string DescribeData(int samples) => Preparation?.DescribeData(samples) ?? FormattableString.Invariant($"{samples} {SampleNoun}{(samples == 1 ? "" : "s")}");

    /// <summary>What a run does otherwise than before where settings of the task were changed, a line each.</summary>
    public IEnumerable<string> DescribeChanges(JsonObject earlier) => Preparation?.DescribeChanges(earlier) ?? [];

    /// <summary>Makes the data ready.</summary>
    public void PrepareData(DataPreparation preparation) => Preparation?.PrepareData(preparation);

    /// <summary>Checks that a checkpoint is one of this task's model.</summary>
    /// <exception cref="BadInputException">It is not.</exception>
    public abstract void CheckCheckpoint(Checkpoints.Checkpoint checkpoint, TrainingOptions options);

    /// <summary>Trains one rank's part of a run.</summary>
    public abstract TrainingOutcome Train(RunConfiguration configuration, RunDirectory run, ProcessGroup group, TraceRecorder? trace, IProgress<TrainingEvent> events, CancellationToken stop);

    /// <summary>Trains one rank's part of a run in this process, which somebody else has started, with the run's number of threads.</summary>
    /// <param name="configuration">The run's settings.</param>
    /// <param name="run">Where this rank keeps the run's files.</param>
    /// <param name="group">The ranks.</param>
    /// <param name="trace">The steps of this rank to put on a time line; null for none.</param>
    /// <param name="events">Told, on rank 0, of each step and checkpoint.</param>
    /// <param name="stop">Asks for an end after the present step.</param>
    public TrainingOutcome TrainRank(RunConfiguration configuration, RunDirectory run, ProcessGroup group, TraceSteps? trace, IProgress<TrainingEvent> events, CancellationToken stop)
    {
        set_num_threads(configuration.Training.Threads);
        Apply(configuration.Task);
        if (trace is null)
        {
            return Train(configuration, run, group, null, events, stop);
        }

        Directory.CreateDirectory(run.Logs);
        using var recorder = new TraceRecorder(group.Rank, TraceFile.PathFor(run.Logs, group.Rank), trace);
        using IDisposable observation = group.Observe(recorder);
        return Train(configuration, run, group, recorder, events, stop);
    }

    /// <summary>Takes steps on one batch, to measure them.</summary>
    /// <param name="configuration">The run's settings.</param>
    /// <param name="group">The ranks.</param>
    /// <param name="steps">How many.</param>
    /// <param name="onNote">Told, on rank 0, what the choice of kernels has to say.</param>
    /// <param name="onModel">Told of the model before the first step, to watch it.</param>
    /// <param name="onStep">Told of each step, right after it.</param>
    /// <param name="stop">Ends the steps.</param>
    public abstract void MeasureSteps(RunConfiguration configuration, ProcessGroup group, int steps, Action<string> onNote, Action<nn.Module> onModel, Action<Metrics.StepMetrics> onStep, CancellationToken stop);

    /// <summary>Sets the ranks beside independent copies of one process, by turns.</summary>
    /// <param name="configuration">The run's settings.</param>
    /// <param name="group">The ranks.</param>
    /// <param name="rounds">How many turns of each.</param>
    /// <param name="onNote">Told, on rank 0, what the choice of kernels had to say.</param>
    /// <param name="stop">Ends it early.</param>
    public abstract IReadOnlyList<CopyRound> CompareWithCopies(RunConfiguration configuration, ProcessGroup group, int rounds, Action<string> onNote, CancellationToken stop);

    /// <summary>Opens the data to count it.</summary>
    protected abstract int OpenAndCount(TrainingContext context);
}

/// <summary>The host of a task with its types.</summary>
/// <typeparam name="TModel">The model.</typeparam>
/// <typeparam name="TBatch">A batch.</typeparam>
internal sealed class TaskHost<TModel, TBatch>(ITrainingTask<TModel, TBatch> task) : TaskHost
    where TModel : nn.Module
    where TBatch : IDisposable
{
    /// <inheritdoc/>
    public override string Name => task.GetType().Name;

    /// <inheritdoc/>
    public override object Settings => task.Settings;

    /// <inheritdoc/>
    public override TrainingOptions Defaults => task.Defaults;

    /// <inheritdoc/>
    public override string SampleNoun => task.SampleNoun;

    /// <inheritdoc/>
    protected override ITaskPreparation? Preparation => task as ITaskPreparation;

    /// <inheritdoc/>
    public override void CheckCheckpoint(Checkpoints.Checkpoint checkpoint, TrainingOptions options)
    {
        using var alone = new ProcessGroupSingle();
        var context = new TrainingContext(options with { Nproc = 1 }, alone, checkpoint.Folder);
        using var step = new TrainingStep<TModel, TBatch>(task, task.CreateModel(context), context);
        checkpoint.Restore(step.Model, step.Optimizer);
    }

    /// <inheritdoc/>
    public override TrainingOutcome Train(RunConfiguration configuration, RunDirectory run, ProcessGroup group, TraceRecorder? trace, IProgress<TrainingEvent> events, CancellationToken stop)
    {
        var context = new TrainingContext(configuration.Training, group, run.Root) { Stop = stop };
        using var trainer = new Trainer<TModel, TBatch>(task, configuration, run, context, trace);
        return trainer.Run(events, stop);
    }

    /// <inheritdoc/>
    public override void MeasureSteps(RunConfiguration configuration, ProcessGroup group, int steps, Action<string> onNote, Action<nn.Module> onModel, Action<Metrics.StepMetrics> onStep, CancellationToken stop)
    {
        TrainingOptions options = configuration.Training;
        var context = new TrainingContext(options, group, Path.GetTempPath()) { Stop = stop };
        using TBatch batch = FirstBatch(context);
        var plan = new TrainingPlan(options with { Steps = steps }, Math.Max(steps, 1) * options.BatchSize, task.CreateSchedule);
        RandomSources sources = group.Seed(options.Seed);
        using var step = new TrainingStep<TModel, TBatch>(task, task.CreateModel(context), context);
        sources.SeparateRanks(); // as a run does
        step.ChooseKernels(batch, new KernelChooser(options, group, recorded: null, () => KernelCache.Of(options, group), context.Time, remark => onNote(remark.Text)));
        onModel(step.Model);
        bool stopping = false;
        for (int number = 1; number <= steps && !stopping; number++)
        {
            step.Begin();
            (Metrics.StepMetrics metrics, stopping) = step.Run(batch, plan.At(number), stop.IsCancellationRequested);
            onStep(metrics);
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<CopyRound> CompareWithCopies(RunConfiguration configuration, ProcessGroup group, int rounds, Action<string> onNote, CancellationToken stop)
    {
        TrainingOptions options = configuration.Training;
        var together = new TrainingContext(options, group, Path.GetTempPath()) { Stop = stop };
        using var single = new ProcessGroupSingle();
        var apart = new TrainingContext(options with { Nproc = 1, BatchSize = together.LocalBatchSize }, single, Path.GetTempPath()) { Stop = stop };
        using TBatch batch = FirstBatch(together);
        RandomSources sources = group.Seed(options.Seed);
        using var ranks = new TrainingStep<TModel, TBatch>(task, task.CreateModel(together), together);
        using var copy = new TrainingStep<TModel, TBatch>(task, task.CreateModel(apart), apart);
        sources.SeparateRanks();
        ranks.ChooseKernels(batch, new KernelChooser(options, group, recorded: null, () => KernelCache.Of(options, group), together.Time, remark => onNote(remark.Text)));
        copy.Kernels.Table = ranks.Kernels.Table;
        return new CopyComparison(group, options.BatchSize * options.Accumulate, together.Time).Run(rounds, () => Update(ranks), () => Update(copy), stop);

        // Steps that never end a schedule: the rate is that of the settings, as only the time matters.
        void Update(TrainingStep<TModel, TBatch> step)
        {
            for (int number = 1; number <= options.Accumulate; number++)
            {
                step.Begin();
                step.Run(batch, new PlannedStep(number, number == options.Accumulate, options.PeakLr));
            }
        }
    }

    /// <inheritdoc/>
    protected override int OpenAndCount(TrainingContext context)
    {
        using IBatchSource<TBatch> data = task.OpenData(context);
        return data.SampleCount;
    }

    private TBatch FirstBatch(TrainingContext context)
    {
        if (task.CreateSyntheticBatch(context) is { } made)
        {
            return made;
        }

        // The source lives on: a batch may lie in its memory. It goes with the process, which measures and ends.
        IBatchSource<TBatch> data = task.OpenData(context);
        int[] indices = [.. Enumerable.Range(context.Group.Rank * context.LocalBatchSize, context.LocalBatchSize).Select(index => index % data.SampleCount)];
        return data.Epoch(indices, 0).First();
    }
}
