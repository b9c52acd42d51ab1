using Convoy.Training.Options;
using Convoy.Training.Runs;
using TorchSharp;

namespace Convoy.Training.Tests.Runs;

public sealed class TrainerTests : IDisposable
{
    // Six pictures in batches of two: an update falls into each four steps and an epoch's end into each three.
    private static readonly TrainingOptions Options = SmallRuns.Options with { BatchSize = 2, Accumulate = 4 };

    private readonly SmallRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    [Trait("Repeats", "more")]
    public void Run_ManySteps_KeepsLiveTensorsFlat()
    {
        int steps = Repetitions.Of(72, 300);
        var watch = new Watch();

        Assert.Equal(
            new TrainingOutcome(steps, Interrupted: false),
            _runs.Train("run", new SmallTask { Samples = 6 }, Options with { Steps = steps, CheckpointEvery = steps / 3, KeepCheckpoints = 1 }, watch));

        // Those of this thread, which takes the steps: what other threads or the garbage collector do is left out.
        // The most of twelve sees all updates and epochs' ends.
        Assert.Equal(watch.MostTensors(9, 20), watch.MostTensors(steps - 11, steps));
    }

    [Fact]
    public void Run_StoppedBetweenUpdates_LeavesTheLastUpdatesCheckpoint()
    {
        TrainingOptions options = Options with { Steps = 8, CheckpointEvery = 4, KeepCheckpoints = 9 };

        Assert.Equal(new TrainingOutcome(8, Interrupted: false), _runs.Train("whole", new SmallTask { Samples = 6 }, options));
        Assert.Equal(new TrainingOutcome(4, Interrupted: true), _runs.Train("stopped", new SmallTask { Samples = 6 }, options with { CheckpointEvery = 0 }, stopAfter: 5));

        foreach (string file in (string[])["model.safetensors", "optimizer.safetensors"])
        {
            Assert.Equal(File.ReadAllBytes(CheckpointFile("whole", file)), File.ReadAllBytes(CheckpointFile("stopped", file)));
        }
    }

    [Fact]
    public void Run_StoppedBeforeTheFirstUpdate_LeavesNoCheckpoint()
    {
        Assert.True(_runs.Train("stopped", new SmallTask { Samples = 6 }, Options with { Steps = 8 }, stopAfter: 1).Interrupted);
        Assert.False(Directory.Exists(Path.GetDirectoryName(CheckpointFile("stopped", "model.safetensors"))));
    }

    private string CheckpointFile(string run, string name) => Path.Combine(_runs[run].Checkpoints, "step-000004", name);

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
