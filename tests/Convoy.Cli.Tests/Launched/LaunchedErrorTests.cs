using Convoy.Cli.Tests.Training;

namespace Convoy.Cli.Tests.Launched;

/// <summary>What is wrong with a launched run is told once, by one rank, and ends all of them with the same exit code.</summary>
public sealed class LaunchedErrorTests(TrainingFixture fixture) : IClassFixture<TrainingFixture>
{
    [Theory]
    [Trait("Repeats", "more")]
    [InlineData("unknown option (--bogus).", "--bogus")]
    [InlineData("--nproc is not the number of processes that the launcher has started (3, but 2 from RANK and WORLD_SIZE). Leave it out, or start as many.", "--nproc", "3")]
    [InlineData("under a launcher it is the launcher that starts processes again (--max-restarts 1, RANK and WORLD_SIZE).", "--max-restarts", "1")]
    [InlineData("the data folder does not exist (", "--data", "nowhere")]
    [InlineData("--batch-size has fewer samples than there are processes (batch size 1, 2 processes).", "--batch-size", "1")]
    public async Task Train_BadInput_IsToldByRankZeroAndEndsAllWithCode2(string expected, params string[] options)
    {
        Repetitions.RequireAllUnless(options is ["--nproc", _] or ["--data", _]);
        string output = fixture.At("never");

        ProgramRun[] ranks = await LaunchedRanks.RunAsync(2, LaunchedTrainingTests.Arguments(fixture.Data, output, options));

        Assert.All(ranks, rank => Assert.Equal((2, string.Empty), (rank.ExitCode, rank.Output)));
        Assert.StartsWith($"convoy: error: {expected}", ranks[0].Error, StringComparison.Ordinal);
        Assert.Single(ranks[0].Error.TrimEnd().Split('\n'));
        Assert.Empty(ranks[1].Error);
        Assert.False(Path.Exists(output));
    }

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData("convoy scale starts processes itself, and is no rank of a launcher's job (2 ranks from RANK and WORLD_SIZE). Start it once, without a launcher.", "scale")]
    [InlineData("convoy tune starts processes itself", "tune")]
    [InlineData("convoy bench step starts processes itself", "bench", "step")]
    [InlineData("convoy train -- starts processes itself, and is no rank of a launcher's job (2 ranks from RANK and WORLD_SIZE). Start the program itself with the launcher: dotnet my.dll,", "train", "--", "dotnet", "my.dll")]
    public async Task Run_WhatStartsProcessesItself_IsRefusedOnce(string expected, params string[] words)
    {
        Repetitions.RequireAllUnless(words is ["scale"] or ["train", ..]);
        ProgramRun[] ranks = await LaunchedRanks.RunAsync(2, words);

        Assert.All(ranks, rank => Assert.Equal((2, string.Empty), (rank.ExitCode, rank.Output)));
        Assert.StartsWith($"convoy: error: {expected}", ranks[0].Error, StringComparison.Ordinal);
        Assert.Empty(ranks[1].Error);
    }

    [Fact]
    public async Task Train_RestartingLauncherWithoutFolder_AsksForOne()
    {
        ProgramRun[] ranks = await LaunchedRanks.RunAsync(2, ["train", "--data", fixture.Data], more: [("TORCHELASTIC_MAX_RESTARTS", "3")]);

        Assert.All(ranks, rank => Assert.Equal(2, rank.ExitCode));
        Assert.StartsWith("convoy: error: a launcher that starts the job again needs to find the run (neither --out nor --resume is given).", ranks[0].Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_OfARank_IsShownOnce()
    {
        ProgramRun[] ranks = await LaunchedRanks.RunAsync(2, ["train", "--help"]);

        Assert.All(ranks, rank => Assert.Equal((0, string.Empty), (rank.ExitCode, rank.Error)));
        Assert.Contains("--resume <DIR>", ranks[0].Output, StringComparison.Ordinal);
        Assert.Empty(ranks[1].Output);
    }

    // A checkpoint of another network is seen by rank 0 before the run begins.
    [Fact]
    public async Task Train_ResumedWithAnotherNetwork_IsToldOnceAndTheRunStaysWhatItWas()
    {
        string output = fixture.At("one");
        await fixture.TrainAsync("one", 1, "--steps", "2");
        string[] before = TrainingFixture.Snapshot(output);

        ProgramRun[] ranks = await LaunchedRanks.RunAsync(2, ["train", "--resume", output, "--encoder", "resnet34", "--steps", "3"]);

        Assert.All(ranks, rank => Assert.Equal((2, string.Empty), (rank.ExitCode, rank.Output)));
        Assert.Single(ranks[0].Error.TrimEnd().Split('\n'));
        Assert.Empty(ranks[1].Error);
        Assert.Equal(before, TrainingFixture.Snapshot(output));
    }
}
