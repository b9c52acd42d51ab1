using Convoy.Distributed.Diagnostics;

namespace Convoy.Distributed.ParallelTests;

[Trait("Subject", "Processes")]
public sealed class DiagnosticsTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("convoy-diagnostics-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData("shape", 2)]
    [InlineData("type", 3)]
    [InlineData("op", 2)]
    [InlineData("root", 3)]
    [InlineData("members", 3)]
    [InlineData("kind", 2)]
    public async Task DebugMode_OneRankCallsSomethingElse_EveryRankShowsBothSides(string difference, int worldSize)
    {
        Repetitions.RequireAllUnless(difference is "shape" or "root" or "kind");
        await WorkerProcesses.RunAndRequireSuccessAsync("CheckedMismatch", worldSize, difference);
    }

    [Fact]
    public async Task DebugMode_CorrectProgram_GivesTheSameResults() => await WorkerProcesses.RunAndRequireSuccessAsync("CheckedCollectives", 3);

    [Fact]
    public async Task DebugMode_OneRankCallsLess_OthersSayWhatItDidLast()
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("FewerCalls", 3, ["3", "debug", _directory]);
        Assert.All(results.Take(2), result =>
        {
            Assert.Equal(1, result.ExitCode);
            Assert.Contains("CollectiveTimeoutException: operation 3 of group default, Broadcast([4] Float32, root 0): rank 2 did not arrive within 3 s (rank 2: it finished operation 2 of group default, AllReduce([4] Float32, Sum), ", result.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("timeout.:", result.Errors, StringComparison.Ordinal); // said once
        });
    }

    [Fact]
    public async Task FlightRecorder_OneRankCallsLess_RecordingsOfAllRanksTellWhich()
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("FewerCalls", 3, ["3", "plain", _directory]);
        Assert.All(results, result => Assert.Equal(1, result.ExitCode));
        Assert.Equal([0, 1, 2], FlightRecording.ReadAll(_directory).Select(recording => recording.Rank));
        Assert.Equal(
            ["rank 2 is behind in group default: the last of rank 2 was operation 2, AllReduce([4] Float32, Sum) (finished), while ranks 0, 1 reached operation 3, Broadcast([4] Float32, root 0)."],
            FlightRecorderAnalysis.Read(_directory).Findings);
    }

    [Fact]
    public async Task MonitoredBarrier_OneRankAsleepAndOneKilled_OthersNameBoth()
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("MissingAtMonitoredBarrier", 5);
        Assert.All(results.Where(result => result.Rank != 3), result => Assert.True(result.ExitCode == 0, $"rank {result.Rank}: {result.Errors}"));
    }
}
