using Convoy.Distributed.Backends.Single;
using Convoy.Metrics;
using Convoy.Training.Checkpoints;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Tasks;
using static TorchSharp.torch;

namespace Convoy.Training.Tests;

/// <summary>Runs of one process and one thread, each in a folder of its own that is gone after the test.</summary>
internal sealed class SmallRuns : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public SmallRuns() => set_num_threads(1);

    /// <summary>Settings of a short run: batches of four and an update after each.</summary>
    public static TrainingOptions Options { get; } = new() { Nproc = 1, Threads = 1, BatchSize = 4, Accumulate = 1, Workers = 0, Lr = 0.01 };

    /// <summary>A run's directory.</summary>
    public RunDirectory this[string name] => new(_folder.File(name));

    /// <summary>Begins a run, or goes on with it.</summary>
    /// <param name="name">The run's name.</param>
    /// <param name="task">The task.</param>
    /// <param name="options">The run's settings.</param>
    /// <param name="events">Told of each step and checkpoint.</param>
    /// <param name="stopAfter">The step after which it is asked to stop; null for none.</param>
    public TrainingOutcome Train<TModel, TBatch>(
        string name, ITrainingTask<TModel, TBatch> task, TrainingOptions options, IProgress<TrainingEvent>? events = null, long? stopAfter = null)
        where TModel : nn.Module
        where TBatch : IDisposable
    {
        RunDirectory run = this[name];
        if (!Directory.Exists(run.Root))
        {
            run.Create();
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using var group = new ProcessGroupSingle();
        var configuration = new RunConfiguration(options, OptionTable.For(task.Settings.GetType()).ToJson(task.Settings));
        using var trainer = new Trainer<TModel, TBatch>(task, configuration, run, new TrainingContext(options, group, run.Root));
        return trainer.Run(new Listener(events, stopAfter, stop), stop.Token);
    }

    public StepMetrics[] Steps(string name) => [.. StepMetricsLog.Read(this[name].MetricsLog(0))];

    public double[] Losses(string name) => [.. Steps(name).Select(step => step.Loss)];

    public Checkpoint Latest(string name) => Checkpoint.Latest(this[name].Checkpoints)!;

    /// <summary>The steps of the checkpoints that are there.</summary>
    public long[] CheckpointSteps(string name) => [.. new CheckpointStore(this[name].Checkpoints).All().Select(entry => entry.Step)];

    /// <summary>Both runs' newest checkpoints have the same bytes in all files but <c>state.json</c>, which has times.</summary>
    public void AssertSameCheckpoints(string expected, string actual)
    {
        Assert.Equal(Latest(expected).State.Step, Latest(actual).State.Step);
        string[] files = [.. Directory.GetFiles(Latest(expected).Folder).Select(file => Path.GetFileName(file)).Where(file => file != "state.json").Order(StringComparer.Ordinal)];
        Assert.Equal(3, files.Length);
        Assert.All(files, file => Assert.Equal(File.ReadAllBytes(Path.Combine(Latest(expected).Folder, file)), File.ReadAllBytes(Path.Combine(Latest(actual).Folder, file))));
    }

    public void Dispose() => _folder.Dispose();

    private sealed class Listener(IProgress<TrainingEvent>? events, long? stopAfter, CancellationTokenSource stop) : IProgress<TrainingEvent>
    {
        public void Report(TrainingEvent value)
        {
            events?.Report(value);
            if (stopAfter is not null && value.Step?.Step == stopAfter)
            {
                stop.Cancel();
            }
        }
    }
}
