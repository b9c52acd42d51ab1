using Convoy.Metrics;
using Convoy.Training.Checkpoints;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Tests.Checkpoints;

namespace Convoy.Training.Tests.Runs;

public sealed class TrainerPrecisionTests : IDisposable
{
    private readonly SmallRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public void Run_NarrowTypes_LearnsAsFloat32DoesAndSaysSo()
    {
        Train("fp32", Precision.Fp32, 3);
        double[] reference = _runs.Losses("fp32");
        foreach ((string name, Precision precision) in new[] { ("bf16", Precision.Bf16), ("fp16", Precision.Fp16) })
        {
            RunDirectory run = Train(name, precision, 3);

            double[] losses = _runs.Losses(name);
            Assert.Equal(3, losses.Length);
            Assert.All(losses, loss => Assert.True(double.IsFinite(loss)));

            // Not the same computation, but the same training.
            Assert.NotEqual(reference[0], losses[0]);
            Assert.All(reference.Zip(losses), pair => Assert.Equal(pair.First, pair.Second, 0.05 * pair.First));
            Assert.Equal(name, MetricsFile.Read(run.Metrics).Config!["precision"]!.GetValue<string>());
        }
    }

    [Fact]
    public void Run_Float16Resumed_EndsAsTheUninterruptedRunBitForBit()
    {
        Train("whole", Precision.Fp16, 2);
        Train("parts", Precision.Fp16, 1);
        IReadOnlyDictionary<string, double> middle = State("parts").GradScaler!;
        Train("parts", Precision.Fp16, 2);

        Assert.Equal((2, 2), (State("whole").Step, State("parts").Step));
        Assert.Equal(State("whole").GradScaler, State("parts").GradScaler);
        Assert.NotEqual(middle, State("parts").GradScaler);
        _runs.AssertSameCheckpoints("whole", "parts");
    }

    [Fact]
    public void Run_PrecisionChangedAndScaleTooLarge_GoesOnAndBacksOff()
    {
        Train("run", Precision.Bf16, 1);
        Assert.Null(State("run").GradScaler);

        // Without a scaler in the checkpoint it starts with the default.
        Train("run", Precision.Fp16, 2);
        double scale = State("run").GradScaler!["scale"];
        Assert.InRange(scale, 1, 65536);

        string file = Path.Combine(_runs.Latest("run").Folder, "state.json");
        UnsignedState.Edit(file, state => state["grad_scaler"]!["scale"] = 1L << 40);
        Train("run", Precision.Fp16, 4);

        Assert.Equal((1L << 38, 0), (State("run").GradScaler!["scale"], State("run").GradScaler!["_growth_tracker"]));
        Assert.All(_runs.Losses("run"), loss => Assert.True(double.IsFinite(loss)));
    }

    // The scale starts far too high and may grow after every second good update, so that it finds the network's limit and then swings about it.
    [Fact]
    [Trait("Repeats", "more")]
    public void Run_Float16WithPlantedOverflows_AdaptsTheScaleAsPyTorchAndLeavesThoseUpdatesOut()
    {
        Train("run", Precision.Fp16, 1);
        string file = Path.Combine(_runs.Latest("run").Folder, "state.json");
        UnsignedState.Edit(file, state =>
        {
            state["grad_scaler"]!["scale"] = 1L << 19;
            state["grad_scaler"]!["growth_interval"] = 2;
        });
        Assert.Equal((1L << 19, 2), (State("run").GradScaler!["scale"], State("run").GradScaler!["growth_interval"]));
        var updates = new UpdateRecord(() => _runs.Latest("run"));

        int steps = Repetitions.Of(8, 12);
        Train("run", Precision.Fp16, steps, updates);

        Assert.Equal(steps - 1, updates.Seen.Count);
        int overflows = 0, growths = 0;
        foreach ((UpdateRecord.Update earlier, UpdateRecord.Update later) in updates.Seen.Zip(updates.Seen.Skip(1)))
        {
            // An update that is left out leaves the optimizer's state, and the parameters, as they were to the last bit.
            bool overflow = earlier.Optimizer == later.Optimizer;
            Assert.Equal(overflow, earlier.Parameters == later.Parameters);
            bool grows = !overflow && earlier.Good + 1 == 2;
            Assert.Equal(
                (overflow ? earlier.Scale / 2 : grows ? earlier.Scale * 2 : earlier.Scale, overflow || grows ? 0 : earlier.Good + 1),
                (later.Scale, later.Good));
            overflows += overflow ? 1 : 0;
            growths += grows ? 1 : 0;
        }

        Assert.All(_runs.Losses("run"), loss => Assert.True(double.IsFinite(loss)));
        Assert.True(overflows >= 2 && growths >= 1, $"{overflows} overflows, {growths} growths");
    }

    private CheckpointState State(string run) => _runs.Latest(run).State;

    private RunDirectory Train(string name, Precision precision, long steps, UpdateRecord? updates = null)
    {
        TrainingOptions options = SmallRuns.Options with
        {
            BatchSize = 2, Steps = steps, ScheduleSteps = 8, KeepCheckpoints = 1, CheckpointEvery = updates is null ? 0 : 1, Precision = precision, WarmupUpdates = 0,
        };
        Assert.Equal(new TrainingOutcome(steps, Interrupted: false), _runs.Train(name, new SmallTask { Samples = 6 }, options, updates));
        return _runs[name];
    }
}
