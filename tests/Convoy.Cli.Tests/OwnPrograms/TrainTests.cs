using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Convoy.Cli.Tests.Training;
using Convoy.Metrics;
using Convoy.Training.Checkpoints;

namespace Convoy.Cli.Tests.OwnPrograms;

/// <summary><c>convoy train</c> with a model that is not the lane detector.</summary>
public sealed class TrainTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("convoy-own-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData(nameof(OwnProgram.Shapes), "sample", "fp32", 1, "accuracy")]
    [InlineData(nameof(OwnProgram.Shapes), "sample", "bf16", 2, "accuracy")]
    [InlineData(nameof(OwnProgram.Pairs), "pair", "fp32", 1, "error", "recall")]
    [InlineData(nameof(OwnProgram.Pairs), "pair", "bf16", 2, "error", "recall")]
    public async Task Train_Sample_TrainsAndEvaluatesItOnEveryProcess(string sample, string noun, string precision, int processes, params string[] metrics)
    {
        Repetitions.RequireAllUnless((sample == nameof(OwnProgram.Shapes)) == (processes == 2));
        string[] words = OwnProgram.Words(sample);
        string output = Path.Combine(_root, "run");

        ProgramRun run = await ProgramRun.ConvoyAsync(
            ["train", "--out", output, "--nproc", Text(processes), "--threads", "1", "--precision", precision, "--steps", "4", "--eval-every", "2", "--timeout", "60", "--", .. words]);

        Assert.True(run.ExitCode == 0, run.Error + run.Output);
        Assert.Empty(run.Error);
        JsonElement config = TrainingFixture.Json(Path.Combine(output, "config.json"));
        Assert.Equal(words, config.GetProperty("program").EnumerateArray().Select(word => word.GetString()));
        Assert.Equal((precision, processes), (config.GetProperty("precision").GetString(), config.GetProperty("nproc").GetInt32()));
        RunMetrics told = MetricsFile.Read(Path.Combine(output, "metrics.json"));
        Assert.Equal(words, told.Launch!.Program);
        Assert.Equal([1, 2, 3, 4], told.Metrics.Select(step => step.Step));
        Assert.Equal([2, 4], told.Metrics.Where(step => step.Evaluation is not null).Select(step => step.Step));
        Assert.All(told.Metrics.Select(step => step.Evaluation).OfType<IReadOnlyDictionary<string, double>>(), evaluation =>
        {
            Assert.Equal(metrics, evaluation.Keys);
            Assert.All(evaluation.Values, value => Assert.InRange(value, 0, 1));
        });
        Assert.All(Enumerable.Range(0, processes), rank => Assert.Equal(told.Metrics.Select(step => step.Loss), TrainingFixture.Steps(output, rank).Select(step => step.Loss)));
        Assert.Equal(4, Checkpoint.Find(output).State.Step);
        Assert.Contains($"{metrics[0]} ", run.Output, StringComparison.Ordinal);
        Assert.Contains($" {noun}s/s", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData(nameof(OwnProgram.Shapes))]
    [InlineData(nameof(OwnProgram.Pairs))]
    public async Task Resume_EverythingWasKilled_EndsAsTheUnbrokenRunBitForBitWithoutTheProgramBeingNamedAgain(string sample)
    {
        Repetitions.RequireAllUnless(sample == nameof(OwnProgram.Shapes));
        string[] words = OwnProgram.Words(sample);
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs SIGKILL and /proc.");
        string killed = Path.Combine(_root, "killed"), whole = Path.Combine(_root, "whole");
        string[] settings = ["--nproc", "2", "--threads", "1", "--schedule-steps", "100000", "--checkpoint-every", "20", "--timeout", "60"];

        using (Process convoy = await OwnProgram.StartAndWaitForAsync(
            Path.Combine(killed, "checkpoints", "step-000020"), ["train", "--out", killed, .. settings, "--steps", "100000", "--", .. words]))
        {
            await OwnProgram.KillAllAsync(convoy, killed);
        }

        long reached = new CheckpointStore(Path.Combine(killed, "checkpoints")).All()[^1].Step;
        string steps = Text((int)reached + 30);
        ProgramRun resumed = await ProgramRun.ConvoyAsync("train", "--resume", killed, "--steps", steps);
        ProgramRun unbroken = await ProgramRun.ConvoyAsync(["train", "--out", whole, .. settings, "--steps", steps, "--", .. words]);

        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.True(unbroken.ExitCode == 0, unbroken.Error);
        Assert.Contains("Going on after step ", resumed.Output, StringComparison.Ordinal);
        Assert.Equal(TrainingFixture.Steps(whole).Select(step => step.Loss), TrainingFixture.Steps(killed).Select(step => step.Loss));
        Assert.All(Directory.GetFiles(Checkpoint.Find(whole).Folder, "*.*").Where(file => !file.EndsWith("state.json", StringComparison.Ordinal)), file => Assert.True(
            File.ReadAllBytes(file).AsSpan().SequenceEqual(File.ReadAllBytes(TrainingFixture.CheckpointFile(killed, Path.GetFileName(file)))), Path.GetFileName(file)));
        Assert.Empty(OwnProgram.Processes(killed));
    }

    [Fact]
    public async Task Resume_WithOtherArgumentsOfTheProgram_SaysWhatChangesAndRecordsThem()
    {
        string output = Path.Combine(_root, "run");
        ProgramRun first = await ProgramRun.ConvoyAsync(["train", "--out", output, "--nproc", "1", "--threads", "1", "--steps", "2", "--", .. OwnProgram.Pairs]);
        Assert.True(first.ExitCode == 0, first.Error);

        ProgramRun resumed = await ProgramRun.ConvoyAsync(["train", "--resume", output, "--steps", "3", "--", .. OwnProgram.Pairs[..2], "--noise", "0.5", "--kind", "focal"]);

        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Contains("Changed: noise 0.3 -> 0.5.", resumed.Output, StringComparison.Ordinal);
        JsonElement config = TrainingFixture.Json(Path.Combine(output, "config.json"));
        Assert.Equal(0.5, config.GetProperty("noise").GetDouble());
        Assert.Equal(["--noise", "0.5", "--kind", "focal"], config.GetProperty("program").EnumerateArray().Skip(2).Select(word => word.GetString()));
    }

    [Fact]
    public async Task Resume_RunOfAnotherProgram_IsRefusedAndItsSettingsStay()
    {
        string output = Path.Combine(_root, "run"), config = Path.Combine(output, "config.json");
        ProgramRun first = await ProgramRun.ConvoyAsync(["train", "--out", output, "--nproc", "2", "--threads", "1", "--steps", "2", "--timeout", "60", "--", .. OwnProgram.Pairs]);
        Assert.True(first.ExitCode == 0, first.Error);
        string before = await File.ReadAllTextAsync(config, TestContext.Current.CancellationToken);

        ProgramRun resumed = await ProgramRun.ConvoyAsync(["train", "--resume", output, "--steps", "4", "--", .. OwnProgram.Shapes]);

        Assert.Equal(2, resumed.ExitCode);
        Assert.Contains("the checkpoint is of another model", resumed.Error, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllTextAsync(config, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("there is no such program (/absent/program)", "/absent/program")]
    [InlineData("the program has no task for Convoy.Training (ls)", "ls")]
    [InlineData("the program has no task for Convoy.Training (false)", "false")]
    [InlineData("unknown option (--pitures). Did you mean --pictures?", "OWN", "--pitures", "3")]
    [InlineData("--pictures must be at least 1 (got 0)", "OWN", "--pictures", "0")]
    [InlineData("not a whole number (--pictures many)", "OWN", "--pictures", "many")]
    [InlineData("too few training samples for one step (8 samples, batch size 32)", "OWN", "--pictures", "8")]
    public async Task Train_ProgramThatCannotTrain_IsRefusedBeforeAnythingIsWritten(string expected, params string[] program)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs POSIX programs.");
        await Refused(expected, ["train", "--out", Path.Combine(_root, "never"), "--", .. program.SelectMany(word => word == "OWN" ? OwnProgram.Shapes[..2] : [word])]);
    }

    [Theory]
    [InlineData("an option of the lane detector with a program of your own (--image-size)", "--image-size", "64x32")]
    [InlineData("an option of the lane detector with a program of your own (--augment)", "--no-augment")]
    [InlineData("an option of the lane detector with a program of your own (--data)", "--data", "synthetic")]
    [InlineData("--steps and --epochs both say how long to train (2 and 3)", "--steps", "2", "--epochs", "3")]
    [InlineData("--batch-size has fewer samples than there are processes (batch size 32, 33 processes)", "--nproc", "33")]
    [InlineData("--lr must be above 0 (got 0)", "--lr", "0")]
    public async Task Train_OptionThatDoesNotGoWithTheProgram_IsRefusedBeforeAnythingIsWritten(string expected, params string[] options) =>
        await Refused(expected, ["train", "--out", Path.Combine(_root, "never"), .. options, "--", .. OwnProgram.Shapes]);

    private async Task Refused(string expected, string[] arguments)
    {
        ProgramRun run = await ProgramRun.ConvoyAsync(arguments);

        Assert.Equal((2, string.Empty), (run.ExitCode, run.Output));
        Assert.Single(run.Error.TrimEnd().Split('\n'));
        Assert.StartsWith($"convoy: error: {expected}", run.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_root));
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
