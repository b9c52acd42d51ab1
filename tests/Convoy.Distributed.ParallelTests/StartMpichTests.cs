using System.Globalization;

namespace Convoy.Distributed.ParallelTests;

/// <summary>MPICH started without its launcher: each rank is its own process manager, and they meet in the job's store.</summary>
[Trait("Subject", "Processes")]
[Trait("Repeats", "more")]
public sealed class StartMpichTests
{
    public StartMpichTests()
    {
        Repetitions.RequireAll();
        RequiredParts.Mpich();
    }

    [Theory]
    [InlineData("2")]
    [InlineData("1,1")]
    [InlineData("4")]
    [InlineData("2,2")]
    [InlineData("3,1")]
    [InlineData("1,1,2")]
    public async Task Start_RanksOfHosts_MpichTakesThemSoAndAddsUp(string ranksPerHost)
    {
        IReadOnlyList<WorkerResult> results = await RunAsync(ranksPerHost, ["sum"]);
        Assert.All(results, result => Assert.True(result.ExitCode == 0, $"rank {result.Rank}: {result.Errors}"));
    }

    [Fact]
    public async Task Start_RankThatNeverComes_IsNamed()
    {
        IReadOnlyList<WorkerResult> results = await RunAsync("2,2", ["sum", "2"], started: 3);
        Assert.All(results, result =>
        {
            Assert.Equal(1, result.ExitCode);
            Assert.Contains("rank 3 did not join the process group within ", result.Errors, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("3", "starting or ending MPI: the process of rank 1 (process ")]
    [InlineData("1,1,1", "starting or ending MPI: rank 1 did not arrive within 2.7 s. What is known: the process of rank 1 (process ")]
    public async Task Start_RankEndsWhileMpiStarts_IsNamed(string ranksPerHost, string expected)
    {
        IReadOnlyList<WorkerResult> results = await RunAsync(ranksPerHost, ["killed", "3"]);
        Assert.Equal(137, results[1].ExitCode);
        Assert.All((WorkerResult[])[results[0], results[2]], result =>
        {
            Assert.Equal(1, result.ExitCode);
            Assert.Contains(expected, result.Errors, StringComparison.Ordinal);
        });
    }

    // MPICH ends the process itself then, with an exit code of its own making.
    [Fact]
    public async Task Start_LibraryHasNoNetwork_SaysWhyAndTheOthersNameTheRank()
    {
        IReadOnlyList<WorkerResult> results = await RunAsync("2", ["sum"], variablesOfRankOne: [new("UCX_TLS", "none")]);
        Assert.NotEqual(0, results[1].ExitCode);
        Assert.Contains("MPI_Init_thread", results[1].Errors, StringComparison.Ordinal);
        Assert.Equal(1, results[0].ExitCode);
        Assert.Contains("starting or ending MPI: the process of rank 1 (process ", results[0].Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Abort_OfOneRank_EndsItsProcessAndTellsTheOthers()
    {
        IReadOnlyList<WorkerResult> results = await RunAsync("3", ["abort"]);
        Assert.Equal(42, results[1].ExitCode);
        Assert.All((WorkerResult[])[results[0], results[2]], result =>
        {
            Assert.Equal(1, result.ExitCode);
            Assert.Contains("PeerLostException: waiting: rank 1 (process ", result.Errors, StringComparison.Ordinal);
            Assert.Contains("has given up: the MPI library gave up with exit code 42. What it wrote to standard error says why.", result.Errors, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Spawn_OfAFurtherProcess_IsRefusedAndDoesNotHang()
    {
        IReadOnlyList<WorkerResult> results = await RunAsync("2", ["spawn"]);
        Assert.All(results, result => Assert.True(result.ExitCode == 0, $"rank {result.Rank}: {result.Errors}"));
    }

    [Fact]
    public async Task Join_LibraryThatCannotBeStartedSo_SaysWhatToInstall()
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync(
            "AddUp", 2, ["10"], environment: [new("LOCAL_WORLD_SIZE", "1"), new("CONVOY_MPI_LIBRARY", "/nowhere/libmpi.so.40")], ofRank: _ => [new("LOCAL_RANK", "0")]);
        Assert.All(results, result =>
        {
            Assert.Equal(1, result.ExitCode);
            Assert.StartsWith("MpiException: the ranks run on several hosts and MPI's own launcher did not start them, which takes MPICH on every host (Debian: libmpich12; ", result.Errors, StringComparison.Ordinal);
        });
    }

    private static async Task<IReadOnlyList<WorkerResult>> RunAsync(string ranksPerHost, string[] arguments, int? started = null, KeyValuePair<string, string>[]? variablesOfRankOne = null)
    {
        (int Local, int Size)[] places = [.. ranksPerHost.Split(',').Select(count => int.Parse(count, CultureInfo.InvariantCulture)).SelectMany(count => Enumerable.Range(0, count).Select(local => (local, count)))];
        return await WorkerProcesses.RunAsync(
            "StartMpich", places.Length, arguments, started, environment: [new("UCX_ERROR_SIGNALS", "")],
            ofRank: rank => [new("LOCAL_RANK", $"{places[rank].Local}"), new("LOCAL_WORLD_SIZE", $"{places[rank].Size}"), .. rank == 1 ? variablesOfRankOne ?? [] : []]);
    }
}
