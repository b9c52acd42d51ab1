using Convoy.Distributed.Backends.Single;
using Convoy.Lanes.Checkpoints;
using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;
using Convoy.Lanes.Training;
using Convoy.Metrics;
using TorchSharp;

namespace Convoy.Lanes.Tests.Training;

public sealed class TrainerPrecisionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TrainerPrecisionTests()
    {
        torch.set_num_threads(1);
        SyntheticDataset.Write(_folder.File("data"), new SyntheticOptions { Frames = 6, Size = new ImageSize(128, 72) }, cancellation: TestContext.Current.CancellationToken);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Run_NarrowTypes_LearnsAsFloat32DoesAndSaysSo()
    {
        double[] reference = Losses(Train("fp32", Precision.Fp32, 16));
        foreach ((string name, Precision precision) in new[] { ("bf16", Precision.Bf16), ("fp16", Precision.Fp16) })
        {
            RunDirectory run = Train(name, precision, 16);

            double[] losses = Losses(run);
            Assert.Equal(16, losses.Length);
            Assert.All(losses, loss => Assert.True(double.IsFinite(loss)));

            // Not the same computation, and the same training.
            Assert.NotEqual(reference[0], losses[0]);
            Assert.All(reference.Zip(losses), pair => Assert.Equal(pair.First, pair.Second, 0.05 * pair.First));
            Assert.Equal(name, MetricsFile.Read(run.Metrics).Config!["precision"]!.GetValue<string>());
        }
    }

    [Fact]
    public void Run_Float16Resumed_EndsAsTheUninterruptedRunBitForBit()
    {
        RunDirectory whole = Train("whole", Precision.Fp16, 8), parts = Train("parts", Precision.Fp16, 4);
        IReadOnlyDictionary<string, double> middle = Checkpoint.Latest(parts.Checkpoints)!.State.GradScaler!;
        Train("parts", Precision.Fp16, 8);

        Checkpoint expected = Checkpoint.Latest(whole.Checkpoints)!, actual = Checkpoint.Latest(parts.Checkpoints)!;
        Assert.Equal((8, 8), (expected.State.Step, actual.State.Step));
        Assert.Equal(expected.State.GradScaler, actual.State.GradScaler);
        Assert.NotEqual(middle, actual.State.GradScaler);
        foreach (string file in new[] { "model.safetensors", "optimizer.safetensors" })
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(expected.Folder, file)), File.ReadAllBytes(Path.Combine(actual.Folder, file)));
        }
    }

    [Fact]
    public void Run_Float16WithAScaleThatOverflows_FindsOneThatDoesNot()
    {
        Train("run", Precision.Fp16, 2);
        string file = Path.Combine(Checkpoint.Latest(Run("run").Checkpoints)!.Folder, "state.json");
        Dictionary<string, double> state = new(Checkpoint.Latest(Run("run").Checkpoints)!.State.GradScaler!) { ["scale"] = 1 << 30 };
        File.WriteAllText(file, File.ReadAllText(file).Replace($"\"scale\": {Checkpoint.Latest(Run("run").Checkpoints)!.State.GradScaler!["scale"]}", $"\"scale\": {state["scale"]}", StringComparison.Ordinal));
        Assert.Equal(1 << 30, Checkpoint.Latest(Run("run").Checkpoints)!.State.GradScaler!["scale"]);

        Train("run", Precision.Fp16, 12);

        double scale = Checkpoint.Latest(Run("run").Checkpoints)!.State.GradScaler!["scale"];
        Assert.True(scale < 1 << 30 && double.IsInteger(Math.Log2(scale)), $"scale {scale}");
    }

    [Fact]
    public void Run_PrecisionChanged_GoesOn()
    {
        Train("run", Precision.Fp16, 2);
        Train("run", Precision.Bf16, 4);
        Assert.Null(Checkpoint.Latest(Run("run").Checkpoints)!.State.GradScaler);
        Train("run", Precision.Fp16, 6);
        Assert.NotNull(Checkpoint.Latest(Run("run").Checkpoints)!.State.GradScaler);
    }

    private RunDirectory Run(string name) => new(_folder.File(name));

    private RunDirectory Train(string name, Precision precision, long steps)
    {
        RunDirectory run = Run(name);
        if (!Directory.Exists(_folder.File(name)))
        {
            run.Create();
        }

        var options = new TrainingOptions
        {
            Data = _folder.File("data"), ValSplit = 0, Nproc = 1, Threads = 1, ImageSize = new ImageSize(64, 32), BatchSize = 2, Steps = steps, ScheduleSteps = 16, Accumulate = 2,
            Workers = 0, KeepCheckpoints = 1, Precision = precision, WarmupUpdates = 0,
        };
        using var group = new ProcessGroupSingle();
        using var trainer = new Trainer(options, run, group, TimeProvider.System);
        Assert.Equal(new TrainingOutcome(steps, Interrupted: false), trainer.Run(new Progress<TrainingEvent>(), TestContext.Current.CancellationToken));
        return run;
    }

    private static double[] Losses(RunDirectory run) => [.. StepMetricsLog.Read(run.MetricsLog(0)).Select(step => step.Loss)];
}
