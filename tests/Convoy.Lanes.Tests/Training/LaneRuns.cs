using Convoy.Distributed.Backends.Single;
using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;
using Convoy.Lanes.Models;
using Convoy.Lanes.Training;
using Convoy.Metrics;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Tasks;
using static TorchSharp.torch;

namespace Convoy.Lanes.Tests.Training;

/// <summary>Short trainings of the lane detector on six drawn frames, of one process and one thread.</summary>
internal sealed class LaneRuns : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public LaneRuns()
    {
        set_num_threads(1);
        SyntheticDataset.Write(Data, new SyntheticOptions { Frames = 6, Size = new ImageSize(128, 72) }, cancellation: TestContext.Current.CancellationToken);
    }

    public string Data => _folder.File("data");

    /// <summary>Settings of a short run: batches of two and an update after each.</summary>
    public static TrainingOptions Options { get; } = new() { Nproc = 1, Threads = 1, BatchSize = 2, Accumulate = 1, Workers = 0 };

    /// <summary>The drawn frames, of which none is held out, small.</summary>
    public LaneOptions Task => new() { Data = Data, ValSplit = 0, ImageSize = new ImageSize(64, 32) };

    public RunDirectory this[string name] => new(_folder.File(name));

    public RunDirectory Train(string name, LaneOptions task, TrainingOptions options, IProgress<TrainingEvent>? events = null)
    {
        RunDirectory run = this[name];
        if (!Directory.Exists(run.Root))
        {
            run.Create();
        }

        using var lanes = new LaneTask { Options = task };
        using var group = new ProcessGroupSingle();
        var configuration = new RunConfiguration(options, LaneOptions.Table.ToJson(task));
        using var trainer = new Trainer<LaneDetectionModel, LaneBatch>(lanes, configuration, run, new TrainingContext(options, group, run.Root));
        Assert.Equal(new TrainingOutcome(options.Steps!.Value, Interrupted: false), trainer.Run(events ?? new Progress<TrainingEvent>(), TestContext.Current.CancellationToken));
        return run;
    }

    public static StepMetrics[] Steps(RunDirectory run) => [.. StepMetricsLog.Read(run.MetricsLog(0))];

    public static double[] Losses(RunDirectory run) => [.. Steps(run).Select(step => step.Loss)];

    public void Dispose() => _folder.Dispose();
}
