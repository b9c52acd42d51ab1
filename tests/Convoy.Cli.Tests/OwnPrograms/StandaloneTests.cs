using System.Text.Json;
using Convoy.Cli.Tests.Training;
using Convoy.Training.Checkpoints;

namespace Convoy.Cli.Tests.OwnPrograms;

/// <summary>A program with a task that is started by itself, without convoy.</summary>
public sealed class StandaloneTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("convoy-own-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Run_OnTwoProcesses_TrainsAndConvoyGoesOnWithTheRun()
    {
        string output = Path.Combine(_root, "run");

        ProgramRun run = await OwnProgram.RunAsync(OwnProgram.Shapes, "--nproc", "2", "--threads", "1", "--steps", "4", "--out", output);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("step 4/4  loss ", run.Output, StringComparison.Ordinal);
        Assert.Contains("  accuracy ", run.Output, StringComparison.Ordinal);
        Assert.Equal([1, 2, 3, 4], TrainingFixture.Steps(output, rank: 1).Select(step => step.Step));

        ProgramRun resumed = await OwnProgram.RunAsync(OwnProgram.Shapes[..2], "--resume", output, "--steps", "6");
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Contains("Going on after step 4 of 6.", resumed.Output, StringComparison.Ordinal);

        ProgramRun byConvoy = await ProgramRun.ConvoyAsync("train", "--resume", output, "--steps", "8");
        Assert.True(byConvoy.ExitCode == 0, byConvoy.Error);
        Assert.DoesNotContain("Changed", byConvoy.Output, StringComparison.Ordinal);
        Assert.Equal(8, Checkpoint.Find(output).State.Step);
        Assert.Equal(128, TrainingFixture.Json(Path.Combine(output, "config.json")).GetProperty("pictures").GetInt32());
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Resume_WithAnotherSetting_IsWhatConvoyGoesOnWith()
    {
        Repetitions.RequireAll();
        string output = Path.Combine(_root, "run");
        ProgramRun run = await OwnProgram.RunAsync(OwnProgram.Pairs, "--kind", "focal", "--nproc", "1", "--threads", "1", "--steps", "2", "--out", output);
        Assert.True(run.ExitCode == 0, run.Error);

        ProgramRun resumed = await OwnProgram.RunAsync(OwnProgram.Pairs[..2], "--noise", "0.5", "--resume", output, "--steps", "3");
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        ProgramRun byConvoy = await ProgramRun.ConvoyAsync("train", "--resume", output, "--steps", "4");

        Assert.True(byConvoy.ExitCode == 0, byConvoy.Error);
        Assert.DoesNotContain("Changed", byConvoy.Output, StringComparison.Ordinal);
        JsonElement config = TrainingFixture.Json(Path.Combine(output, "config.json"));
        Assert.Equal((0.5, "focal"), (config.GetProperty("noise").GetDouble(), config.GetProperty("kind").GetString()!.ToLowerInvariant()));
    }

    [Theory]
    [InlineData(nameof(OwnProgram.Shapes), "--pictures VALUE", "[default: 2048]", "--batch-size VALUE", "[default: 32]", "--threads VALUE", "[default: auto]", "--sync-bn, --no-sync-bn")]
    [InlineData(nameof(OwnProgram.Pairs), "--noise VALUE", "[default: 0.2]", "--kind VALUE", "[default: plain]", "--lr VALUE", "[default: 0.05]", "--scale-lr", "[default: false]")]
    public async Task Help_OfASample_ListsItsOptionsAndThoseOfEveryRun(string sample, params string[] expected)
    {
        ProgramRun run = await OwnProgram.RunAsync(OwnProgram.Words(sample)[..2], "--help");

        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        Assert.All((string[])[.. expected, "--out DIR", "--resume DIR", "--max-restarts N", "--precision"], text => Assert.Contains(text, run.Output, StringComparison.Ordinal));
        Assert.All(run.Output.Split('\n').Where(line => line.StartsWith("  --", StringComparison.Ordinal) && !line.Contains("--resume", StringComparison.Ordinal)), line => Assert.Contains("[default: ", line, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("unknown option (--pitures). Did you mean --pictures?", "--pitures", "3")]
    [InlineData("--pictures must be at least 1 (got 0).", "--pictures", "0")]
    [InlineData("not a whole number (--pictures many).", "--pictures", "many")]
    [InlineData("an option has no value (--pictures).", "--pictures")]
    [InlineData("--nproc must be at least 1 (got 0).", "--nproc", "0")]
    [InlineData("--precision must be one of fp32, bf16, fp16 (got int8).", "--precision", "int8")]
    [InlineData("--batch-size has fewer samples than there are processes (batch size 32, 33 processes).", "--nproc", "33")]
    [InlineData("--steps and --epochs both say how long to train (3 and 2).", "--steps", "3", "--epochs", "2")]
    [InlineData("too few training samples for one step (8 samples, batch size 32).", "--pictures", "8")]
    [InlineData("--max-restarts must be a whole number from 0 (got -1).", "--max-restarts", "-1")]
    [InlineData("--out and --resume both name a run directory", "--resume", "somewhere")]
    [InlineData("one argument too many (extra).", "extra")]
    public async Task Run_BadCommandLine_IsOneLineAndCode2AndNothingIsWritten(string expected, params string[] options)
    {
        ProgramRun run = await OwnProgram.RunAsync(OwnProgram.Shapes[..2], ["--out", Path.Combine(_root, "never"), .. options]);

        Assert.Equal((2, string.Empty), (run.ExitCode, run.Output));
        Assert.Single(run.Error.TrimEnd().Split('\n'));
        Assert.StartsWith($"convoy: error: {expected}", run.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_root));
    }
}
