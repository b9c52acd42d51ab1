using System.Diagnostics;
using Convoy.Cli.Tests.Training;
using Convoy.Training.Checkpoints;

namespace Convoy.Cli.Tests.Launched;

/// <summary>How launched runs end that are not left to reach their end.</summary>
public sealed class LaunchedEndingTests : IClassFixture<TrainingFixture>
{
    private readonly TrainingFixture _fixture;

    public LaunchedEndingTests(TrainingFixture fixture)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs POSIX signals.");
        _fixture = fixture;
    }

    // As mpirun and srun send it to all ranks, and as a signal that reaches only one of them.
    [Theory]
    [Trait("Repeats", "more")]
    [InlineData("TERM", 0, 1)]
    [InlineData("INT", 0, 1)]
    [InlineData("USR1", 0, 1)]
    [InlineData("TERM", 1)]
    public async Task Train_Signalled_LeavesACheckpointAndGoesOn(string signal, params int[] receivers)
    {
        Repetitions.RequireAllUnless(signal == "TERM" && receivers.Length == 2);
        string output = _fixture.At($"signalled-{signal}-{receivers.Length}");
        Process[] started = await LaunchedRanks.StartAndWaitForStepAsync(2, output, 3, LaunchedTrainingTests.Arguments(_fixture.Data, output, "--steps", "100000"));
        foreach (int receiver in receivers)
        {
            TrainingFixture.Signal(started[receiver].Id, signal);
        }

        ProgramRun[] ranks = await LaunchedRanks.EndAsync(started);

        Assert.All(ranks, rank => Assert.Equal((130, string.Empty), (rank.ExitCode, rank.Error)));
        Assert.Contains($"Go on with: convoy train --resume {output}", ranks[0].Output, StringComparison.Ordinal);
        long step = Checkpoint.Find(output).State.Step;
        Assert.True(step >= 3, $"step {step}");

        ProgramRun[] resumed = await LaunchedRanks.RunAsync(2, ["train", "--resume", output, "--steps", $"{step + 2}"]);

        Assert.All(resumed, rank => Assert.Equal((0, string.Empty), (rank.ExitCode, rank.Error)));
        Assert.Equal(step + 2, Checkpoint.Find(output).State.Step);
    }

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Train_RankKilled_IsToldOnceAndTheOthersEnd(int killed)
    {
        Repetitions.RequireAllUnless(killed == 1);
        string output = _fixture.At($"killed-{killed}");
        Process[] started = await LaunchedRanks.StartAndWaitForStepAsync(3, output, 2, LaunchedTrainingTests.Arguments(_fixture.Data, output, "--steps", "100000", "--batch-size", "6"));
        int id = started[killed].Id;

        TrainingFixture.Signal(id, "KILL");
        ProgramRun[] ranks = await LaunchedRanks.EndAsync(started);

        Assert.Equal(137, ranks[killed].ExitCode);
        Assert.All(ranks.Where((_, rank) => rank != killed), rank => Assert.Equal(1, rank.ExitCode));
        string told = Assert.Single(string.Concat(ranks.Select(rank => rank.Error)).TrimEnd().Split('\n'));
        Assert.StartsWith("convoy: error: ", told, StringComparison.Ordinal);
        Assert.Contains($"rank {killed} (process {id}) has ended", told, StringComparison.Ordinal);
    }
}
