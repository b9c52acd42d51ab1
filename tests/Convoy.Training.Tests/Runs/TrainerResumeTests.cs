using System.Text.Json.Nodes;
using Convoy.Training.Checkpoints;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Tasks;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Runs;

/// <summary>A run that stopped goes on as if it had not, to the bit.</summary>
public sealed class TrainerResumeTests : IDisposable
{
    // Six steps are an epoch.
    private static readonly TrainingOptions Options = SmallRuns.Options with { Steps = 9, KeepCheckpoints = 9, Seed = 5 };

    private readonly SmallRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData(1, 3)]
    [InlineData(1, 6)]
    [InlineData(1, 8)]
    [InlineData(2, 4)]
    [InlineData(2, 5)]
    [InlineData(3, 8)]
    public void Run_WithDropoutStoppedAndResumed_HasTheSameLossesBitForBit(int accumulate, long stopAfter)
    {
        TrainingOptions options = Options with { Accumulate = accumulate };
        _runs.Train("whole", new SmallTask { Dropout = 0.5 }, options);

        TrainingOutcome stopped = _runs.Train("parts", new SmallTask { Dropout = 0.5 }, options, stopAfter: stopAfter);
        long kept = _runs.Latest("parts").State.Step;
        Assert.Equal(new TrainingOutcome(9, Interrupted: false), _runs.Train("parts", new SmallTask { Dropout = 0.5 }, options));

        // It is asked to stop when the step is done, and takes the next.
        Assert.True(stopped.Interrupted || stopAfter == 8);
        Assert.Equal((stopAfter + 1) / accumulate * accumulate, kept);
        Assert.Equal(9, _runs.Losses("whole").Length);
        Assert.Equal(_runs.Losses("whole"), _runs.Losses("parts"));
        _runs.AssertSameCheckpoints("whole", "parts");
    }

    [Fact]
    public void Run_RandomStateTakenAway_WouldGoOnDifferently()
    {
        _runs.Train("whole", new SmallTask { Dropout = 0.5 }, Options);
        _runs.Train("parts", new SmallTask { Dropout = 0.5 }, Options, stopAfter: 3);
        using (Tensor? state = _runs.Latest("parts").RandomState("cpu.rank0"))
        {
            Assert.NotNull(state);
            Assert.Null(_runs.Latest("parts").RandomState("cpu.rank1"));
        }

        // As a checkpoint of a version before there were random states.
        string folder = _runs.Latest("parts").Folder;
        File.Delete(Path.Combine(folder, "random.safetensors"));
        Checkpoints.UnsignedState.Edit(Path.Combine(folder, "state.json"), _ => { });
        _runs.Train("parts", new SmallTask { Dropout = 0.5 }, Options);

        // So the test above can fail.
        Assert.Equal(_runs.Losses("whole")[..4], _runs.Losses("parts")[..4]);
        Assert.NotEqual(_runs.Losses("whole"), _runs.Losses("parts"));
    }

    [Theory]
    [InlineData("SGD")]
    [InlineData("SGD with momentum")]
    [InlineData("Adam")]
    [InlineData("RMSProp")]
    [InlineData("AdamW")]
    [InlineData("the trainer's")]
    public void Run_AnyOptimizerStoppedAndResumed_EndsAsTheUninterruptedRunBitForBit(string name)
    {
        optim.Optimizer? Make(SmallModel model, TrainingContext context) => name switch
        {
            "SGD" => optim.SGD(model.parameters(), context.Options.Lr),
            "SGD with momentum" => optim.SGD(model.parameters(), context.Options.Lr, momentum: 0.9),
            "Adam" => optim.Adam(model.parameters(), context.Options.Lr),
            "RMSProp" => optim.RMSProp(model.parameters(), context.Options.Lr, momentum: 0.5),
            "AdamW" => optim.AdamW(model.parameters(), context.Options.Lr),
            _ => null,
        };
        _runs.Train("whole", new SmallTask { Optimizer = Make }, Options);

        Assert.True(_runs.Train("parts", new SmallTask { Optimizer = Make }, Options, stopAfter: 3).Interrupted);
        _runs.Train("parts", new SmallTask { Optimizer = Make }, Options);

        Assert.Equal(_runs.Losses("whole"), _runs.Losses("parts"));
        _runs.AssertSameCheckpoints("whole", "parts");
        Assert.True(_runs.Losses("whole")[^3..].Average() < _runs.Losses("whole")[..3].Average(), "it does not learn");
    }

    [Theory]
    [InlineData(false, "the checkpoint has the state of AdamW, not of SGD")]
    [InlineData(true, "the checkpoint has the state of Adam, not of SGD")]
    public void Run_ResumedWithAnotherOptimizer_IsRefused(bool adam, string message)
    {
        _runs.Train("run", new SmallTask { Optimizer = (model, _) => adam ? optim.Adam(model.parameters()) : null }, Options, stopAfter: 3);

        string actual = Assert.Throws<BadInputException>(() => _runs.Train("run", new SmallTask { Optimizer = (model, _) => optim.SGD(model.parameters(), 0.1) }, Options)).Message;

        Assert.Equal($"{message} ({_runs.Latest("run").Folder}). Go on with the optimizer that the run began with.", actual);
    }

    [Fact]
    public void Run_ScheduleOfTheTask_IsUsed()
    {
        var asked = new List<long>();
        var task = new SmallTask
        {
            Schedule = (options, updates) =>
            {
                asked.Add(updates);
                return new Stairs(options.PeakLr);
            },
        };

        _runs.Train("run", task, Options with { Accumulate = 2 }, stopAfter: 3);
        _runs.Train("run", task, Options with { Accumulate = 2 });

        double[] expected = [.. Enumerable.Range(0, 9).Select(step => 0.01 / (1 + (step / 2)))];
        Assert.Equal(expected, _runs.Steps("run").Select(step => step.LearningRate!.Value));
        Assert.Equal([5, 5], asked);
    }

    [Fact]
    public void Checkpoint_OfATaskWithoutState_HasConvoysOwnEntriesOnly()
    {
        _runs.Train("run", new SmallTask(), Options with { Steps = 2 });
        Checkpoint checkpoint = _runs.Latest("run");

        JsonObject state = JsonNode.Parse(File.ReadAllText(Path.Combine(checkpoint.Folder, "state.json")))!.AsObject();
        Assert.Equal(["step", "elapsed_time", "sha256"], state.Select(entry => entry.Key));
        Assert.Equal(["model.safetensors", "optimizer.safetensors", "random.safetensors", "state.json"], state["sha256"]!.AsObject().Select(entry => entry.Key));
        Assert.Null(checkpoint.State.Task);
        Assert.Null(checkpoint.State.Metrics);
        Assert.Null(checkpoint.State.GradScaler);
        checkpoint.Verify();
    }

    [Fact]
    public void Checkpoint_OfATaskWithState_HasItBesideConvoysEntries()
    {
        _runs.Train("run", new SmallTask { CheckpointState = new JsonObject { ["depth"] = 3, ["names"] = new JsonArray("ü", "b"), ["note"] = null } }, Options with { Steps = 1 });

        JsonObject task = Checkpoint.Find(_runs["run"].Root).State.Task!;
        Assert.Equal(["depth", "names", "note"], task.Select(entry => entry.Key));
        Assert.Equal((3, "ü", null), (task["depth"]!.GetValue<int>(), task["names"]![0]!.GetValue<string>(), task["note"]));
    }

    private sealed class Stairs(double rate) : ILearningRateSchedule
    {
        public double At(long update) => rate / (1 + update);
    }
}
