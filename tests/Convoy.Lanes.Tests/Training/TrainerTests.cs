using Convoy.Distributed.Backends.Single;
using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;
using Convoy.Lanes.Training;
using TorchSharp;

namespace Convoy.Lanes.Tests.Training;

/// <summary>Alone in its process while it runs, because it counts the process's tensors and memory.</summary>
[Collection(nameof(TrainerTests))]
[CollectionDefinition(nameof(TrainerTests), DisableParallelization = true)]
public sealed class TrainerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Run_300Steps_KeepsLiveTensorsAndMemoryFlat()
    {
        torch.set_num_threads(1);
        SyntheticDataset.Write(_folder.File("data"), new SyntheticOptions { Frames = 6, Size = new ImageSize(128, 72) }, cancellation: TestContext.Current.CancellationToken);
        var run = new RunDirectory(_folder.File("run"));
        run.Create();
        var options = new TrainingOptions
        {
            Data = _folder.File("data"), ValSplit = 0, Nproc = 1, Threads = 1, ImageSize = new ImageSize(64, 32), BatchSize = 2, Steps = 300, Accumulate = 4,
            Workers = 0, CheckpointEvery = 100, KeepCheckpoints = 1,
        };
        var watch = new Watch();
        using var group = new ProcessGroupSingle();
        using (var trainer = new Trainer(options, run, group, TimeProvider.System))
        {
            Assert.Equal(new TrainingOutcome(300, Interrupted: false), trainer.Run(watch, TestContext.Current.CancellationToken));
        }

        // Those of this thread, which takes the steps: what other threads or the garbage collector do is left out.
        // An update falls into each four steps and an epoch's end into each three; the most of twelve sees all of them.
        Assert.Equal(watch.MostTensors(9, 20), watch.MostTensors(289, 300));
        double growth = (watch.ResidentBytes(300) - watch.ResidentBytes(20)) / 1e6;
        TestContext.Current.SendDiagnosticMessage("live tensors {0} at step 20, {1} at step 300; resident memory grew by {2:0.0} MB, of which {3:0.0} from step 150", watch.MostTensors(9, 20), watch.MostTensors(289, 300), growth, (watch.ResidentBytes(300) - watch.ResidentBytes(150)) / 1e6);
        Assert.True(growth < 30, $"resident memory grew by {growth} MB");
    }

    private sealed class Watch : IProgress<TrainingEvent>
    {
        private readonly Dictionary<long, (long Tensors, long Bytes)> _seen = [];

        public void Report(TrainingEvent value)
        {
            if (value.Step is { } step)
            {
                _seen[step.Step] = (DisposeScopeManager.Statistics.ThreadTotalLiveCount, Environment.WorkingSet);
            }
        }

        public long MostTensors(int from, int to) => Enumerable.Range(from, to - from + 1).Max(step => _seen[step].Tensors);

        public long ResidentBytes(long step) => _seen[step].Bytes;
    }
}
