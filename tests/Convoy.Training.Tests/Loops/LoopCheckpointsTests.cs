using System.Text.Json.Nodes;
using Convoy.Distributed.Backends.Single;
using Convoy.Training.Checkpoints;
using Convoy.Training.Loops;
using Convoy.Training.Tasks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Loops;

public sealed class LoopCheckpointsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ProcessGroupSingle _alone = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public LoopCheckpointsTests() => set_num_threads(1);

    private string Root => _folder.File("checkpoints");

    public void Dispose()
    {
        _scope.Dispose();
        _alone.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Load_AfterSomeSteps_GoesOnBitForBit(int stopAfter)
    {
        using var whole = new SmallLoop(_folder.File("whole"), _alone);
        whole.Run(6);
        using (var stopped = new SmallLoop(Root, _alone))
        {
            stopped.Run(stopAfter);
        }

        random.manual_seed(999);
        using var resumed = new SmallLoop(Root, _alone);
        Assert.Equal((stopAfter, stopAfter), (resumed.Progress.Step, resumed.Progress.Losses.Count));
        resumed.Run(6);

        Assert.Equal(whole.Progress.Losses, resumed.Progress.Losses);
        Assert.Equal(whole.State, resumed.State);
        foreach (string file in (string[])["model", "optimizer", "ema", "random"])
        {
            Assert.Equal(Bytes(_folder.File("whole"), file), Bytes(Root, file));
        }

        Assert.Equal(["optimizer", "scaler", "scheduler", "ema", "stopping"], ((JsonObject)Checkpoint.Find(Root).State.Task!["parts"]!).Select(entry => entry.Key));
    }

    [Theory]
    [InlineData("model")]
    [InlineData("optimizer")]
    [InlineData("scheduler")]
    [InlineData("scaler")]
    [InlineData("ema")]
    [InlineData("stopping")]
    public void Load_OnePartWasNotAdded_WouldGoOnDifferently(string part)
    {
        // So the test above can fail.
        using var whole = new SmallLoop(_folder.File("whole"), _alone);
        whole.Run(6);
        using (var stopped = new SmallLoop(Root, _alone))
        {
            stopped.Run(3);
        }

        using var resumed = new SmallLoop(Root, _alone, without: part);
        resumed.Run(6);

        Assert.NotEqual(whole.State, resumed.State);
    }

    [Fact]
    public void Load_NoCheckpoint_IsTheBeginning() => Assert.Equal((3, "x"), new LoopCheckpoints(Root, _alone).Load((3, "x")));

    [Fact]
    public void Load_StateOfAnyShape_IsWhatWasSaved()
    {
        (int, string, double[]) saved = (3, "ü" + new string('0', 64), [double.PositiveInfinity, double.NaN, 0.1]);
        New().Save(7, saved);

        Assert.Equal(saved, New().Load((0, string.Empty, Array.Empty<double>())), (a, b) => (a.Item1, a.Item2) == (b.Item1, b.Item2) && a.Item3.SequenceEqual(b.Item3));
        Assert.Equal(7, Checkpoint.Find(Root).State.Step);
    }

    [Fact]
    public void Load_NewestAreDamaged_TakesTheNewestWholeOneAndSaysWhatItPassedOver()
    {
        LoopCheckpoints first = New(keep: 3);
        foreach (int step in (int[])[1, 2, 3])
        {
            first.Save(step, step);
        }

        File.Delete(Path.Combine(Root, "step-000003", "model.safetensors"));
        string weights = Path.Combine(Root, "step-000002", "model.safetensors");
        byte[] bytes = File.ReadAllBytes(weights);
        bytes[^1] ^= 1;
        File.WriteAllBytes(weights, bytes);
        var said = new List<string>();
        LoopCheckpoints second = New(keep: 2, warn: said.Add);

        Assert.Equal(1, second.Load(0));

        Assert.Equal(["step-000003 is passed over: it has no model.safetensors.", "step-000002 is passed over: model.safetensors is not as it was written, its SHA-256 differs."], said);
        second.Save(2, 2);
        Assert.Equal(["step-000001", "step-000002", "step-000002.set-aside", "step-000003.set-aside"], Names());
        Assert.Equal(2, New().Load(0));
    }

    [Fact]
    public void Load_NoneIsWhole_IsRefusedWithTheirFaults()
    {
        New().Save(1, 1);
        File.Delete(Path.Combine(Root, "step-000001", "state.json"));

        Assert.Equal(
            $"the run has no checkpoint that is whole (step-000001 is passed over: it has no state.json). Delete {Root} to start from the beginning.", Assert.Throws<BadInputException>(() => New().Load(0)).Message);
        Assert.Equal(["step-000001"], Names());
    }

    [Fact]
    public void Load_OtherModelOrStateOrTask_IsRefused()
    {
        New().Save(1, new Progress(1, []));

        Assert.Contains("the checkpoint is of another model", Refused(() => new LoopCheckpoints(Root, _alone).Add("model", nn.Linear(5, 2)).Load(new Progress(0, []))), StringComparison.Ordinal);
        Assert.Contains("what stands there is not a Int32", Refused(() => New().Load(0)), StringComparison.Ordinal);
        Assert.Contains("no such file", Refused(() => New().Add("second", nn.Linear(2, 2)).Load(new Progress(0, []))), StringComparison.Ordinal);

        Linear model = nn.Linear(3, 2);
        Checkpoint.Write(Root, model, optim.AdamW(model.parameters()), new Dictionary<string, Tensor>(), new CheckpointState { Step = 2, ElapsedTime = 1 }, keep: 1);
        Assert.Contains("the checkpoint is not one of a loop of your own", Refused(() => New().Load(0)), StringComparison.Ordinal);
    }

    [Fact]
    public void Save_BelowAFile_IsAFileErrorAndLeavesTheEarlierOnes()
    {
        _folder.Write("file", "x");
        var checkpoints = new LoopCheckpoints(_folder.File("file", "checkpoints"), _alone);

        Assert.ThrowsAny<IOException>(() => checkpoints.Save(1, 1));
    }

    [Fact]
    public void Save_PartThatCannotBeWritten_LeavesNothingAndKeepsTheEarlierOnes()
    {
        LoopCheckpoints checkpoints = New();
        checkpoints.Save(1, 1);
        checkpoints.Add("optimizer", optim.AdamW(nn.Linear(3, 2).parameters()));

        Assert.Contains("no module of the checkpoint has the optimizer's parameter number 0", Assert.Throws<InvalidOperationException>(() => checkpoints.Save(2, 2)).Message, StringComparison.Ordinal);

        Assert.Equal(["step-000001"], Names());
    }

    [Fact]
    public void Save_StateThatDoesNotFit_IsRefused()
    {
        Assert.Contains("more than 1048576", Assert.Throws<InvalidOperationException>(() => New().Save(1, new string('x', 1 << 20))).Message, StringComparison.Ordinal);
        Assert.Empty(Names());
    }

    [Fact]
    public void Save_FolderOfAnEarlierSession_IsRefusedUnlessItWasLoaded()
    {
        New().Save(9, 9);

        Assert.Contains("has checkpoints of an earlier session", Refused(() => New().Save(1, 1)), StringComparison.Ordinal);
        LoopCheckpoints loaded = New();
        Assert.Equal(9, loaded.Load(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => loaded.Save(8, 8));
        loaded.Save(9, 10);
        Assert.Equal(10, New().Load(0));
    }

    [Fact]
    public void Save_WithAGoal_KeepsTheBestBesideTheNewest()
    {
        var checkpoints = new LoopCheckpoints(Root, _alone, keep: 1) { Best = new MetricGoal("loss", HigherIsBetter: false) };
        foreach ((int step, double loss) in (ReadOnlySpan<(int, double)>)[(1, 3), (2, 1), (3, 2), (4, 5)])
        {
            checkpoints.Save(step, step, new Dictionary<string, double> { ["loss"] = loss });
        }

        Assert.Equal(["step-000002", "step-000004"], Names());
    }

    [Fact]
    public void Save_TwoModulesAndAnOptimizerOfSome_NamesParametersByModule()
    {
        Linear first = nn.Linear(3, 2), second = nn.Linear(2, 1);
        optim.Optimizer optimizer = optim.Adam([.. second.parameters(), first.weight!]);
        LoopCheckpoints checkpoints = new LoopCheckpoints(Root, _alone).Add("generator", first).Add("discriminator", second).Add("optimizer", optimizer);
        checkpoints.Save(1, 1);

        string folder = Path.Combine(Root, "step-000001");
        Assert.Equal(
            ["discriminator.bias", "discriminator.weight", "generator.weight"],
            ModelWeights.Read(Path.Combine(folder, "optimizer.safetensors")).Keys.Select(key => key[..key.LastIndexOf('.')]).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(
            ["discriminator.safetensors", "generator.safetensors", "optimizer.safetensors", "random.safetensors", "state.json"],
            Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Load_TiedWeight_OptimizerGoesOnBitForBit()
    {
        (Sequential model, optim.Optimizer optimizer) = Tied();
        New(model).Add("optimizer", optimizer).Save(1, 1);
        (Sequential other, optim.Optimizer otherOptimizer) = Tied(steps: 0);

        New(other).Add("optimizer", otherOptimizer).Load(0);
        Step(model, optimizer);
        Step(other, otherOptimizer);

        TensorAssert.Identical(model.parameters().First(), other.parameters().First());
    }

    [Fact]
    public void ElapsedSeconds_OverTwoSessions_AddUp()
    {
        var time = new Tuning.ManualTime();
        var first = new LoopCheckpoints(Root, _alone, time: time);
        time.Advance(5);
        first.Save(1, 1);
        var second = new LoopCheckpoints(Root, _alone, time: time);
        time.Advance(3);
        second.Load(0);

        Assert.Equal(5, second.ElapsedSeconds, 1e-9);
        time.Advance(2);
        Assert.Equal(7, second.ElapsedSeconds, 1e-9);
    }

    [Theory]
    [InlineData("random")]
    [InlineData("state")]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("..")]
    public void Add_NameThatCannotBeAFile_IsRefused(string name) => Assert.Throws<ArgumentException>(() => New(null).Add(name, nn.Linear(1, 1)));

    [Fact]
    public void Add_NameTwice_IsRefused() => Assert.Throws<ArgumentException>(() => New().Add("Model", nn.Linear(1, 1)));

    [Fact]
    public void Add_SchedulerMadeOfOthers_IsRefused()
    {
        optim.Optimizer optimizer = optim.SGD(nn.Linear(1, 1).parameters(), 0.1);
        optim.lr_scheduler.LRScheduler chained = optim.lr_scheduler.SequentialLR(optimizer, [optim.lr_scheduler.StepLR(optimizer, 2), optim.lr_scheduler.StepLR(optimizer, 3)], [4]);

        Assert.Contains("made of other schedulers", Assert.Throws<NotSupportedException>(() => New().Add("scheduler", chained)).Message, StringComparison.Ordinal);
    }

    private static string Refused(Action act) => Assert.Throws<BadInputException>(act).Message;

    private static (Sequential Model, optim.Optimizer Optimizer) Tied(int steps = 2)
    {
        random.manual_seed(4);
        Linear first = nn.Linear(3, 3, hasBias: false), second = nn.Linear(3, 3, hasBias: false);
        second.weight = first.weight;
        Sequential model = nn.Sequential(("first", first), ("second", second));
        optim.Optimizer optimizer = optim.Adam([first.weight!], 0.1);
        for (int step = 0; step < steps; step++)
        {
            Step(model, optimizer);
        }

        return (model, optimizer);
    }

    private static void Step(Sequential model, optim.Optimizer optimizer)
    {
        optimizer.zero_grad();
        model.call(ones(2, 3)).square().mean().backward();
        optimizer.step();
    }

    private static byte[] Bytes(string folder, string file) => File.ReadAllBytes(Path.Combine(Checkpoint.Find(folder).Folder, file + ".safetensors"));

    private LoopCheckpoints New(int keep = 2, Action<string>? warn = null) => New(nn.Linear(3, 2), keep, warn);

    private LoopCheckpoints New(nn.Module? model, int keep = 2, Action<string>? warn = null)
    {
        var made = new LoopCheckpoints(Root, _alone, keep) { Warn = warn ?? (_ => { }) };
        return model is null ? made : made.Add("model", model);
    }

    private string?[] Names() => Directory.Exists(Root) ? [.. Directory.EnumerateFileSystemEntries(Root).Select(Path.GetFileName).Order(StringComparer.Ordinal)] : [];
}
