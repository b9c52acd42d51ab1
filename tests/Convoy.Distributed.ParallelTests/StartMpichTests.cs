using System.Globalization;

namespace Convoy.Distributed.ParallelTests;

/// <summary>MPICH started without its launcher: each rank is its own process manager, and they meet in the job's store.</summary>
[Trait("Subject", "Processes")]
public sealed class StartMpichTests
{
    private const int NotInstalled = 77;

    [Theory]
    [InlineData("2")]
    [InlineData("1,1")]
    [InlineData("4")]
    [InlineData("2,2")]
    [InlineData("3,1")]
    [InlineData("1,1,2")]
    public async Task Start_RanksOfHosts_MpichTakesThemSoAndAddsUp(string ranksPerHost)
    {
        IReadOnlyList<WorkerResult> results = await RunAsync(ranksPerHost, "sum");
        Assert.All(results, result => Assert.True(result.ExitCode == 0, $"rank {result.Rank}: {result.Errors}"));
    }

    private static async Task<IReadOnlyList<WorkerResult>> RunAsync(string ranksPerHost, params string[] arguments)
    {
        (int Local, int Size)[] places = [.. ranksPerHost.Split(',').Select(count => int.Parse(count, CultureInfo.InvariantCulture)).SelectMany(count => Enumerable.Range(0, count).Select(local => (local, count)))];
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync(
            "StartMpich", places.Length, arguments, environment: [new("UCX_ERROR_SIGNALS", "")],
            ofRank: rank => [new("LOCAL_RANK", $"{places[rank].Local}"), new("LOCAL_WORLD_SIZE", $"{places[rank].Size}")]);
        Assert.SkipWhen(results.Any(result => result.ExitCode == NotInstalled), "MPICH (libmpich.so.12) is not installed.");
        return results;
    }
}
