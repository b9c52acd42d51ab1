using Convoy.Distributed.Backends.Single;
using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;
using Convoy.Lanes.Training;
using TorchSharp;

namespace Convoy.Lanes.Tests.Training;

public sealed class TrainerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Trait("Repeats", "more")]
    public void Run_ManySteps_KeepsLiveTensorsFlat()
    {
        int steps = Repetitions.Of(72, 300);
        torch.set_num_threads(1);
        SyntheticDataset.Write(_folder.File("data"), new SyntheticOptions { Frames = 6, Size = new ImageSize(128, 72) }, cancellation: TestContext.Current.CancellationToken);
        var run = new RunDirectory(_folder.File("run"));
        run.Create();
        var options = new TrainingOptions
        {
            Data = _folder.File("data"), ValSplit = 0, Nproc = 1, Threads = 1, ImageSize = new ImageSize(64, 32), BatchSize = 2, Steps = steps, Accumulate = 4,
            Workers = 0, CheckpointEvery = steps / 3, KeepCheckpoints = 1,
        };
        var watch = new Watch();
        using var group = new ProcessGroupSingle();
        using (var trainer = new Trainer(options, run, group, TimeProvider.System))
        {
            Assert.Equal(new TrainingOutcome(steps, Interrupted: false), trainer.Run(watch, TestContext.Current.CancellationToken));
        }

        // Those of this thread, which takes the steps: what other threads or the garbage collector do is left out.
        // An update falls into each four steps and an epoch's end into each three; the most of twelve sees all of them.
        Assert.Equal(watch.MostTensors(9, 20), watch.MostTensors(steps - 11, steps));
    }

    [Fact]
    public void Run_StoppedBetweenUpdates_LeavesTheLastUpdatesCheckpoint()
    {
        torch.set_num_threads(1);
        SyntheticDataset.Write(_folder.File("data"), new SyntheticOptions { Frames = 6, Size = new ImageSize(128, 72) }, cancellation: TestContext.Current.CancellationToken);
        var options = new TrainingOptions
        {
            Data = _folder.File("data"), ValSplit = 0, Nproc = 1, Threads = 1, ImageSize = new ImageSize(64, 32), BatchSize = 2, Steps = 8, Accumulate = 4,
            Workers = 0, CheckpointEvery = 4, KeepCheckpoints = 9,
        };

        Assert.Equal(new TrainingOutcome(8, Interrupted: false), Train("whole", options, stopAfter: null));
        Assert.Equal(new TrainingOutcome(4, Interrupted: true), Train("stopped", options with { CheckpointEvery = 0 }, stopAfter: 5));

        foreach (string file in (string[])["model.safetensors", "optimizer.safetensors"])
        {
            Assert.Equal(File.ReadAllBytes(CheckpointFile("whole", file)), File.ReadAllBytes(CheckpointFile("stopped", file)));
        }
    }

    [Fact]
    public void Run_StoppedBeforeTheFirstUpdate_LeavesNoCheckpoint()
    {
        torch.set_num_threads(1);
        SyntheticDataset.Write(_folder.File("data"), new SyntheticOptions { Frames = 6, Size = new ImageSize(128, 72) }, cancellation: TestContext.Current.CancellationToken);
        var options = new TrainingOptions
        {
            Data = _folder.File("data"), ValSplit = 0, Nproc = 1, Threads = 1, ImageSize = new ImageSize(64, 32), BatchSize = 2, Steps = 8, Accumulate = 4, Workers = 0,
        };
        Assert.True(Train("stopped", options, stopAfter: 1).Interrupted);
        Assert.False(Directory.Exists(Path.GetDirectoryName(CheckpointFile("stopped", "model.safetensors"))));
    }

    private string CheckpointFile(string run, string name) => Path.Combine(_folder.File(run), "checkpoints", "step-000004", name);

    private TrainingOutcome Train(string name, TrainingOptions options, int? stopAfter)
    {
        var run = new RunDirectory(_folder.File(name));
        run.Create();
        using var stop = new CancellationTokenSource();
        using var group = new ProcessGroupSingle();
        using var trainer = new Trainer(options, run, group, TimeProvider.System, stop: CancellationToken.None);
        return trainer.Run(new StopAfter(stopAfter, stop), stop.Token);
    }

    private sealed class StopAfter(int? step, CancellationTokenSource stop) : IProgress<TrainingEvent>
    {
        public void Report(TrainingEvent value)
        {
            if (step is not null && value.Step?.Step == step)
            {
                stop.Cancel();
            }
        }
    }

    private sealed class Watch : IProgress<TrainingEvent>
    {
        private readonly Dictionary<long, long> _seen = [];

        public void Report(TrainingEvent value)
        {
            if (value.Step is { } step)
            {
                _seen[step.Step] = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            }
        }

        public long MostTensors(int from, int to) => Enumerable.Range(from, to - from + 1).Max(step => _seen[step]);
    }
}
