using System.Text.Json.Nodes;
using Convoy.Distributed;
using Convoy.Distributed.Diagnostics;
using Convoy.Distributed.Launch;
using Convoy.Training.Checkpoints;
using Convoy.Training.Kernels;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Tasks;
using Convoy.Training.Workers;
using static TorchSharp.torch;

namespace Convoy.Training.Programs;

/// <summary>A program with a task, as whoever trains, studies or tunes it sees it: what it says of itself, and how its processes are started.</summary>
public abstract class TaskProgram
{
    private protected TaskProgram(WorkerProgram workers) => Workers = workers;

    /// <summary>How its processes are started.</summary>
    public WorkerProgram Workers { get; }

    /// <summary>The program and its arguments as its user wrote them; empty for the lane detector of <c>convoy</c> itself.</summary>
    public abstract IReadOnlyList<string> Words { get; }

    /// <summary>What a sample is called in the singular.</summary>
    public abstract string SampleNoun { get; }

    /// <summary>The settings of a run where its user says nothing.</summary>
    public abstract TrainingOptions Defaults { get; }

    /// <summary>The task's settings, by their names in <c>config.json</c>.</summary>
    public abstract JsonObject Settings { get; }

    /// <summary>A program whose task is at hand, because it is the one that asks.</summary>
    /// <param name="task">The task.</param>
    /// <param name="workers">How processes with the same task are started.</param>
    public static TaskProgram Create<TModel, TBatch>(ITrainingTask<TModel, TBatch> task, LaunchProgram workers)
        where TModel : nn.Module
        where TBatch : IDisposable => new OwnTask(TaskHost.Create(task), new WorkerProgram(workers));

    /// <summary>Another program, which is started to say what its task is.</summary>
    /// <param name="words">The program and its arguments.</param>
    /// <param name="warn">Told what it wrote to standard error meanwhile.</param>
    /// <param name="cancellation">Ends the wait for it.</param>
    /// <exception cref="BadInputException">It cannot be started, or says nothing of a task.</exception>
    public static async Task<TaskProgram> DescribeAsync(IReadOnlyList<string> words, Action<string> warn, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(words);
        // A run that goes on later may be resumed from another folder.
        string[] whole = [.. words.Select(word => File.Exists(word) ? Path.GetFullPath(word) : word)];
        var program = new LaunchProgram(whole[0], whole[1..]);
        return new OtherTask(whole, new WorkerProgram(program), await DescriptionReader.ReadAsync(program, warn, cancellation).ConfigureAwait(false));
    }

    /// <summary>Checks the task's settings and its data, before anything is written.</summary>
    /// <param name="configuration">The run's settings.</param>
    /// <param name="folder">The run directory, which need not exist.</param>
    /// <param name="warn">Told what is strange but no error.</param>
    /// <returns>How many samples there are to train on.</returns>
    /// <exception cref="BadInputException">Something is wrong.</exception>
    public abstract int CountSamples(RunConfiguration configuration, string folder, Action<string> warn);

    /// <summary>Refuses a table of kernels (<c>--fuse FILE</c>) that cannot be read, before anything is started. Whether every rank's processor has its kernels the ranks see.</summary>
    /// <param name="options">The settings.</param>
    /// <exception cref="BadInputException">It cannot be read, or names a kernel that this version does not have.</exception>
    public static void CheckKernels(TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Fuse.Table is { } table)
        {
            KernelChooser.RequireReadable(table, isFile: true);
        }
    }

    /// <summary>The data in words.</summary>
    public abstract string DescribeData(int samples);

    /// <summary>What a run does otherwise than before where settings of the task were changed, a line each.</summary>
    public abstract IEnumerable<string> DescribeChanges(JsonObject earlier);

    /// <summary>Checks that a checkpoint is one of the task's model, where that can be told without starting its processes.</summary>
    /// <exception cref="BadInputException">It is not.</exception>
    public abstract void CheckCheckpoint(Checkpoint checkpoint, RunConfiguration configuration);

    /// <summary>Makes the data ready, once for all processes.</summary>
    /// <param name="configuration">The run's settings.</param>
    /// <param name="folder">The folder of the run or study, where the data may go.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="notice">Told what people should see meanwhile.</param>
    /// <param name="cancellation">Asks for an early end.</param>
    public abstract Task PrepareDataAsync(RunConfiguration configuration, string folder, IProgress<(int Done, int Total)> progress, Action<string> notice, CancellationToken cancellation);

    /// <summary>Trains one rank's part of a run in this process. Only a program whose task is at hand can.</summary>
    internal abstract TrainingOutcome TrainRank(RunConfiguration configuration, RunDirectory run, ProcessGroup group, TraceSteps? trace, IProgress<TrainingEvent> events, CancellationToken stop);

    private sealed class OwnTask(TaskHost host, WorkerProgram workers) : TaskProgram(workers)
    {
        public override IReadOnlyList<string> Words => [];

        public override string SampleNoun => host.SampleNoun;

        public override TrainingOptions Defaults => host.Defaults;

        public override JsonObject Settings => host.Table.ToJson(host.Settings);

        public override int CountSamples(RunConfiguration configuration, string folder, Action<string> warn)
        {
            host.Apply(configuration.Task);
            return host.CountSamples(configuration.Training, folder, warn);
        }

        public override string DescribeData(int samples) => host.DescribeData(samples);

        public override IEnumerable<string> DescribeChanges(JsonObject earlier) => host.DescribeChanges(earlier);

        public override void CheckCheckpoint(Checkpoint checkpoint, RunConfiguration configuration)
        {
            host.Apply(configuration.Task);
            host.CheckCheckpoint(checkpoint, configuration.Training);
        }

        public override Task PrepareDataAsync(RunConfiguration configuration, string folder, IProgress<(int Done, int Total)> progress, Action<string> notice, CancellationToken cancellation)
        {
            host.Apply(configuration.Task);
            host.PrepareData(new DataPreparation(folder, configuration.Training.Seed, progress, cancellation));
            return Task.CompletedTask;
        }

        internal override TrainingOutcome TrainRank(RunConfiguration configuration, RunDirectory run, ProcessGroup group, TraceSteps? trace, IProgress<TrainingEvent> events, CancellationToken stop) =>
            host.TrainRank(configuration, run, group, trace, events, stop);
    }

    private sealed class OtherTask(IReadOnlyList<string> words, WorkerProgram workers, TaskDescription description) : TaskProgram(workers)
    {
        public override IReadOnlyList<string> Words => words;

        public override string SampleNoun => description.SampleNoun;

        public override TrainingOptions Defaults => description.TrainingDefaults();

        public override JsonObject Settings => description.Settings;

        public override int CountSamples(RunConfiguration configuration, string folder, Action<string> warn) => description.Samples;

        public override string DescribeData(int samples) => description.Data;

        public override IEnumerable<string> DescribeChanges(JsonObject earlier) =>
            from setting in description.Settings
            where earlier.TryGetPropertyValue(setting.Key, out JsonNode? before) && !JsonNode.DeepEquals(before, setting.Value)
            select $"{setting.Key} {earlier[setting.Key]?.ToString() ?? "none"} -> {setting.Value?.ToString() ?? "none"}";

        public override void CheckCheckpoint(Checkpoint checkpoint, RunConfiguration configuration)
        {
            // Its ranks load the checkpoint first of all, and say what is wrong with it.
        }

        public override async Task PrepareDataAsync(RunConfiguration configuration, string folder, IProgress<(int Done, int Total)> progress, Action<string> notice, CancellationToken cancellation)
        {
            if (!description.Prepares)
            {
                return;
            }

            DirectoryInfo scratch = TemporaryFolder.Create("convoy-prepare-", notice);
            LaunchResult result;
            try
            {
                new RunDirectory(scratch.FullName).WriteConfig(configuration);
                result = await new Launcher(new LauncherOptions
                {
                    Program = Workers.Program,
                    ProcessCount = 1,
                    Environment = new Dictionary<string, string>(WorkerProgram.Environment(WorkerRole.Prepare, scratch.FullName)) { [WorkerRole.DataFolderVariable] = folder },
                    OnNotice = notice,
                    LogDirectory = scratch.FullName,
                }).RunAsync(cancellation).ConfigureAwait(false);
            }
            finally
            {
                scratch.Delete(recursive: true);
            }

            cancellation.ThrowIfCancellationRequested();
            if (result.Failure is { } failure)
            {
                throw new BadInputException($"the program could not make its data ready: {FailureText.Describe(failure, hasTimeout: false, keepsLogs: false)}");
            }
        }

        internal override TrainingOutcome TrainRank(RunConfiguration configuration, RunDirectory run, ProcessGroup group, TraceSteps? trace, IProgress<TrainingEvent> events, CancellationToken stop) =>
            throw new NotSupportedException("the task is another program's: its own processes train it.");
    }
}
