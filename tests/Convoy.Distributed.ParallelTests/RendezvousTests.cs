namespace Convoy.Distributed.ParallelTests;

[Trait("Subject", "Processes")]
public sealed class RendezvousTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("convoy-rendezvous-tests-");

    private string FilePath => Path.Combine(_folder.FullName, "store");

    [Theory]
    [InlineData(2, 200)]
    [InlineData(8, 25)]
    public async Task FileStore_ManyProcessesAtOnce_LosesNothingAndLastDeletesTheFile(int worldSize, int rounds)
    {
        await WorkerProcesses.RunAndRequireSuccessAsync("FileStoreTraffic", worldSize, FilePath, $"{rounds}", "live");
        Assert.False(File.Exists(FilePath), "the last process did not delete the file");
    }

    [Fact]
    public async Task FileStore_ProcessKilledWhileItWrites_ServesTheOthers()
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("FileStoreTraffic", 3, [FilePath, "200", "kill"]);
        Assert.All(results.Take(2), result => Assert.True(result.ExitCode == 0, $"rank {result.Rank}: {result.Errors}"));
        Assert.Equal(137, results[2].ExitCode);
    }

    // Rank 0 gives up first and takes the store with it: the others must name who is missing, not the store.
    [Fact]
    public async Task Joining_RankZeroServesAndGivesUp_AllNameTheMissingRank()
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("LatePeer", 4, ["4"], started: 3, rankZeroServes: true);
        Assert.All(results, result =>
        {
            Assert.Equal(1, result.ExitCode);
            Assert.Matches(@"rank 3 did not join the process group within \d(\.\d+)? s", result.Errors);
        });
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
