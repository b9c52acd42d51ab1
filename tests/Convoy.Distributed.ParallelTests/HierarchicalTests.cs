using System.Diagnostics;
using System.Globalization;

namespace Convoy.Distributed.ParallelTests;

/// <summary>Ranks of this machine that believe to be on several hosts; a second group of shared memory stands for the network between them.</summary>
[Trait("Repeats", "more")]
public class HierarchicalTests
{
    private static readonly int Cases = Repetitions.Of(16, 48);

    [Theory]
    [InlineData("hosts=0,0,1,1")]
    [InlineData("hosts=0,1,0,1")]
    [InlineData("hosts=0,0,0,1")]
    [InlineData("hosts=0,1,1")]
    [InlineData("hosts=0,0,1,2,1")]
    public async Task Collectives_RanksOnSeveralHosts_GiveClosedForms(string hosts)
    {
        Repetitions.RequireAllUnless(hosts is "hosts=0,0,1,1" or "hosts=0,0,1,2,1");
        await RunAsync("Collectives", hosts);
    }

    [Theory]
    [InlineData("hosts=0,0,1,1")]
    [InlineData("hosts=1,0,0,0")]
    [InlineData("hosts=0,1,2,0,1,2")]
    public async Task MovingCollectives_RanksOnSeveralHosts_GiveClosedForms(string hosts)
    {
        Repetitions.RequireAllUnless(hosts is "hosts=1,0,0,0");
        await RunAsync("MovingCollectives", hosts);
    }

    [Theory]
    [InlineData("hosts=0,0,1,1")]
    [InlineData("hosts=0,1,0")]
    public async Task Messages_InsideAndBetweenHosts_Arrive(string hosts) => await RunAsync("Messages", hosts);

    [Theory]
    [InlineData("hosts=0,0,1,1")]
    [InlineData("hosts=0,1,0,1")]
    [InlineData("hosts=0,0,1,1,1")]
    public async Task SubGroups_OfOneHostOrSeveral_AreIndependent(string hosts)
    {
        Repetitions.RequireAllUnless(hosts is "hosts=0,0,1,1,1");
        await RunAsync("SubGroups", hosts);
    }

    [Theory]
    [InlineData("hosts=0,0,1,1")]
    public async Task Asynchronous_ManyQueued_RunInOrder(string hosts) => await RunAsync("Asynchronous", hosts);

    [Theory]
    [InlineData("hosts=0,0,1,1")]
    [InlineData("hosts=0,1,1")]
    public async Task ObjectCollectives_AnotherSizeOnEachRank_ArriveOrFailEverywhere(string hosts) => await RunAsync("ObjectCollectives", hosts);

    [Theory]
    [InlineData("hosts=0,0,1")]
    [InlineData("hosts=0,0,1,1")]
    [InlineData("hosts=0,1,0,1,0")]
    [InlineData("hosts=0,0,0,1,1,2")]
    [InlineData("hosts=0,0,1,1,2,2,3,3")]
    public async Task RandomOperations_AnySizeTypeLayoutAndOrder_GiveClosedForms(string hosts)
    {
        Repetitions.RequireAllUnless(hosts is "hosts=0,0,1" or "hosts=0,0,0,1,1,2");
        int worldSize = WorldSize(hosts);
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunSharedAsync(
            "RandomCollectives", worldSize, [(900_000 + (worldSize * 10_000)).ToString(CultureInfo.InvariantCulture), Cases.ToString(CultureInfo.InvariantCulture), hosts], limit: TimeSpan.FromMinutes(4));
        if (results.Any(result => result.ExitCode != 0))
        {
            Assert.Fail(await CaseShrinker.ShrinkAsync(results, hosts));
        }
    }

    [Theory]
    [InlineData("hosts=0,0,1,1")]
    [InlineData("hosts=0,1,1")]
    public async Task Training_RanksOnSeveralHosts_IsThatOfOneProcess(string hosts)
    {
        Repetitions.RequireAllUnless(hosts is "hosts=0,1,1");
        await RunAsync("TrainingParity", hosts, "20");
    }

    [Theory]
    [InlineData("fused")]
    [InlineData("sgd")]
    public async Task ZeroRedundancyOptimizer_HostsShareNoMemory_IsThatOfEachRankAlone(string optimizer)
    {
        Repetitions.RequireAllUnless(optimizer is "fused");
        await RunAsync("ZeroRedundancyTraining", "hosts=0,0,1,1", optimizer);
    }

    [Theory]
    [InlineData("LostPeer", "PeerLostException", "hosts=0,0,1,1")]
    [InlineData("LostPeer", "PeerLostException", "hosts=0,1,1,1")]
    [InlineData("LostPeer", "PeerLostException", "hosts=0,0,1")]
    [InlineData("LostPeerInBackward", "PeerLostException", "hosts=0,0,1,1")]
    public async Task Collective_RankKilled_AllHostsFailWithinSecondsAndNameIt(string scenario, string error, string hosts)
    {
        long start = Stopwatch.GetTimestamp();
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync(scenario, WorldSize(hosts), [hosts]);

        // Starting the processes included; the group's own timeout is 120 s.
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(40), "took too long");
        Assert.All(results.SkipLast(1), result =>
        {
            Assert.Equal(1, result.ExitCode);
            Assert.StartsWith($"{error}: ", result.Errors, StringComparison.Ordinal);
            Assert.Contains(Text($"rank {results.Count - 1} (process {results[^1].ProcessId}) has ended"), result.Errors, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("hosts=0,0,1,1")]
    [InlineData("hosts=1,0,0,0")]
    public async Task Barrier_RankThrows_AllHostsNameIt(string hosts)
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("ThrowingPeer", WorldSize(hosts), [hosts]);
        Assert.All(results.SkipLast(1), result =>
        {
            Assert.Equal(1, result.ExitCode);
            Assert.Contains(Text($"rank {results.Count - 1} (process {results[^1].ProcessId}) has left the group"), result.Errors, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("hosts=0,0,1,1")]
    [InlineData("hosts=0,1,1,1")]
    public async Task Barrier_RankStopped_ItsOwnHostSaysWhichAndTheOthersRepeatIt(string hosts)
    {
        Repetitions.RequireAllUnless(hosts is "hosts=0,1,1,1");
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only on Linux is a stopped process seen");
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("StoppedPeer", WorldSize(hosts), [hosts]);
        Assert.All(results.SkipLast(1), result => Assert.True(result.ExitCode == 0, result.Errors));
        Assert.Equal(1, results[^1].ExitCode);
        Assert.Contains("has given up: Barrier: rank 3 did not arrive within 4 s", results[^1].Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hosts=0,0,1")]
    [InlineData("hosts=0,1,1")]
    public async Task Barrier_RankDoesNotCome_TimesOutAndNamesIt(string hosts)
    {
        Repetitions.RequireAllUnless(hosts is "hosts=0,0,1");
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("LatePeer", WorldSize(hosts), ["4", hosts]);
        Assert.All(results.SkipLast(1), result => Assert.Equal(1, result.ExitCode));
        Assert.All(results.SkipLast(1), result => Assert.Contains(Text($"rank {results.Count - 1} did not arrive within "), result.Errors, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("hosts=0,0,1")]
    [InlineData("hosts=0,1,1")]
    public async Task AllReduce_TensorsOfDifferentSize_FailsOnEveryRank(string hosts) => await RunAsync("Mismatch", hosts);

    private static string Text(FormattableString text) => FormattableString.Invariant(text);

    private static int WorldSize(string hosts) => hosts.Count(letter => letter == ',') + 1;

    private static async Task RunAsync(string scenario, string hosts, params string[] arguments) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync(scenario, WorldSize(hosts), [.. arguments, hosts]);
}
