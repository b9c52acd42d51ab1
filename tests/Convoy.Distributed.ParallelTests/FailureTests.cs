using System.Diagnostics;

namespace Convoy.Distributed.ParallelTests;

[Trait("Subject", "Processes")]
public class FailureTests
{
    [Theory]
    [InlineData("LostPeer", "PeerLostException")]
    [InlineData("LostPeerInBackward", "PeerLostException")]
    [InlineData("LostPeerInBackward", "ExternalException", "loss.backward")]
    public async Task Collective_RankKilled_OthersFailWithinSecondsAndNameIt(string scenario, string error, params string[] pass)
    {
        long start = Stopwatch.GetTimestamp();
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync(scenario, 3, pass);
        // Starting three processes included; the group's own timeout is 120 s.
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(40), "took too long");
        Assert.All(results.Take(2), result =>
        {
            Assert.Equal(1, result.ExitCode);
            Assert.StartsWith($"{error}: ", result.Errors, StringComparison.Ordinal);
            // Also a survivor that notices only that another survivor has given up names the cause.
            Assert.Contains($"rank 2 (process {results[2].ProcessId}) has ended", result.Errors, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Barrier_RankThrows_OthersNameIt()
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("ThrowingPeer", 4);
        Assert.Contains("bad data", results[3].Errors, StringComparison.Ordinal);
        Assert.All(results.Take(3), result =>
        {
            Assert.Equal(1, result.ExitCode);
            Assert.Contains($"rank 3 (process {results[3].ProcessId}) has left the group", result.Errors, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Barrier_RankStopped_OthersSaySoAndItLearnsThatItWasGivenUp()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only on Linux is a stopped process seen");
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("StoppedPeer", 3);
        Assert.All(results.Take(2), result => Assert.True(result.ExitCode == 0, result.Errors));
        Assert.Equal(1, results[2].ExitCode);
        Assert.Matches(@"rank [01] \(process \d+\) has given up: Barrier: rank 2 did not arrive within 4 s", results[2].Errors);
    }

    [Fact]
    public async Task Barrier_RankDoesNotCome_TimesOutAndNamesIt()
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("LatePeer", 3, ["4"]);
        Assert.All(results.Take(2), result => Assert.Equal(1, result.ExitCode));
        Assert.All(results.Take(2), result => Assert.Contains("rank 2 did not arrive within 4 s", result.Errors, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Joining_RankNeverStarted_TimesOutAndNamesIt()
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("LatePeer", 3, ["4"], started: 2);
        Assert.All(results, result =>
        {
            Assert.Equal(1, result.ExitCode);
            Assert.Contains("rank 2 did not join the process group within 4 s", result.Errors, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Joining_AllRanksKilledInIt_LeaveNoSharedMemory()
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("EndedWhileJoining", 3, ["KILL"], started: 2);
        Assert.All(results, result => Assert.Equal(137, result.ExitCode));
    }

    [Fact]
    public async Task Joining_Cancelled_EndsLongBeforeItsTimeout()
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("EndedWhileJoining", 3, ["TERM"], started: 2);
        Assert.All(results, result => Assert.Equal(1, result.ExitCode));
        Assert.All(results, result => Assert.StartsWith("OperationCanceledException: ", result.Errors, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Joining_RankZeroServesTheStore_Works() =>
        Assert.All(await WorkerProcesses.RunAsync("Mismatch", 2, rankZeroServes: true), result => Assert.True(result.ExitCode == 0, result.Errors));
}
