using Convoy.Cli.Tests.OwnPrograms;
using Convoy.Cli.Tests.Training;
using Convoy.Metrics;
using Convoy.Training.Checkpoints;

namespace Convoy.Cli.Tests.Launched;

/// <summary>Processes that a launcher has started train one run, which is that of processes of <c>convoy train</c>'s own.</summary>
public sealed class LaunchedTrainingTests(TrainingFixture fixture) : IClassFixture<TrainingFixture>
{
    [Fact]
    public async Task Train_RanksOfALauncher_TrainTheRunOfItsOwnProcessesBitForBit()
    {
        string own = await fixture.SharedAsync(2, 10), output = fixture.At("launched");

        ProgramRun run = await ProgramRun.ConvoyAsync(["launch", "--nproc", "2", "--", "dotnet", Path.Combine(AppContext.BaseDirectory, "convoy.dll"), .. RunInto(output, "--steps", "10")]);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Empty(run.Error);
        Assert.DoesNotContain("[rank 1]", run.Output, StringComparison.Ordinal);
        Assert.Contains("[rank 0] Training on 2 processes x 1 thread: 24 frames", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', run.Output);
        AssertSame(own, output);
        Assert.All([0, 1], rank => Assert.Equal(Losses(own, 0), Losses(output, rank)));
        Assert.Equal(
            File.ReadAllText(Path.Combine(own, "config.json")).Replace(own, output, StringComparison.Ordinal), File.ReadAllText(Path.Combine(output, "config.json")));
        Assert.Equal(10, MetricsFile.Read(Path.Combine(output, "metrics.json")).Metrics.Count);
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Train_Resumed_GoesOnWithAsManyRanksAsAreStarted()
    {
        Repetitions.RequireAll();
        string whole = await fixture.SharedAsync(2, 10), output = fixture.At("resumed");
        ProgramRun[] first = await LaunchedRanks.RunAsync(2, RunInto(output, "--steps", "6", "--schedule-steps", "10"));
        Assert.All(first, rank => Assert.True(rank.ExitCode == 0, rank.Error));

        ProgramRun[] second = await LaunchedRanks.RunAsync(2, ["train", "--resume", output, "--steps", "10"]);

        Assert.All(second, rank => Assert.Equal((0, string.Empty), (rank.ExitCode, rank.Error)));
        AssertSame(whole, output);

        ProgramRun[] four = await LaunchedRanks.RunAsync(4, ["train", "--resume", output, "--steps", "12"]);

        Assert.All(four, rank => Assert.Equal((0, string.Empty), (rank.ExitCode, rank.Error)));
        Assert.Contains("Training on 4 processes", four[0].Output, StringComparison.Ordinal);
        Assert.All(four[1..], rank => Assert.Empty(rank.Output));
        Assert.Equal([11, 12], TrainingFixture.Steps(output, rank: 3).Select(step => step.Step));
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Train_StartedAgainByTheLauncher_GoesOnWithTheRun()
    {
        Repetitions.RequireAll();
        string output = fixture.At("again");
        ProgramRun[] first = await LaunchedRanks.RunAsync(2, RunInto(output, "--steps", "3"), more: [("TORCHELASTIC_RESTART_COUNT", "0"), ("TORCHELASTIC_MAX_RESTARTS", "1")]);
        ProgramRun[] again = await LaunchedRanks.RunAsync(2, RunInto(output, "--steps", "5"), more: [("TORCHELASTIC_RESTART_COUNT", "1"), ("TORCHELASTIC_MAX_RESTARTS", "1")]);

        Assert.All([.. first, .. again], rank => Assert.Equal((0, string.Empty), (rank.ExitCode, rank.Error)));
        Assert.Contains("Going on after step 3 of 5.", again[0].Output, StringComparison.Ordinal);
        Assert.Equal(5, Checkpoint.Find(output).State.Step);
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Train_Trace_HasAllRanks()
    {
        Repetitions.RequireAll();
        string output = fixture.At("traced");

        ProgramRun[] ranks = await LaunchedRanks.RunAsync(2, RunInto(output, "--steps", "3", "--trace", "2"));

        Assert.All(ranks, rank => Assert.Equal((0, string.Empty), (rank.ExitCode, rank.Error)));
        string trace = await File.ReadAllTextAsync(Path.Combine(output, "trace.json"), TestContext.Current.CancellationToken);
        Assert.All([0, 1], rank => Assert.Contains($"rank {rank}", trace, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_TaskOfItsOwn_IsTheSameUnderALauncher()
    {
        string own = fixture.At("shapes"), output = fixture.At("shapes-launched");
        string[] settings = ["--threads", "1", "--steps", "4"];
        ProgramRun alone = await OwnProgram.RunAsync(OwnProgram.Shapes, ["--nproc", "2", .. settings, "--out", own]);
        Assert.True(alone.ExitCode == 0, alone.Error);

        ProgramRun run = await ProgramRun.ConvoyAsync(["launch", "--nproc", "2", "--", .. OwnProgram.Shapes, .. settings, "--out", output]);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("[rank 0] step 4/4  loss ", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("[rank 1]", run.Output, StringComparison.Ordinal);
        AssertSame(own, output);
        Assert.Equal(Losses(own, 0), Losses(output, 1));
    }

    private string[] RunInto(string output, params string[] more) => Arguments(fixture.Data, output, more);

    /// <summary>The command line of a small run without a number of processes.</summary>
    internal static string[] Arguments(string data, string output, params string[] more)
    {
        List<string> words = [.. TrainingFixture.Arguments(data, output, 1, more)];
        words.RemoveRange(words.IndexOf("--nproc"), 2);
        return [.. words];
    }

    internal static void AssertSame(string expected, string actual) => Assert.All(
        (string[])["model.safetensors", "optimizer.safetensors", "random.safetensors"],
        file => Assert.Equal(File.ReadAllBytes(TrainingFixture.CheckpointFile(expected, file)), File.ReadAllBytes(TrainingFixture.CheckpointFile(actual, file))));

    internal static double[] Losses(string run, int rank) => [.. TrainingFixture.Steps(run, rank).Select(step => step.Loss)];
}
