using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Convoy.Distributed.Launch;
using Convoy.Distributed.Launch.Membership;
using Convoy.Distributed.Rendezvous;
using Convoy.Tests;

namespace Convoy.Distributed.Tests.Launch;

/// <summary>Several launchers, as on several machines, that meet on this machine's loopback.</summary>
public sealed class SeveralNodesTests
{
    private readonly int _port = FreePorts.Pair();
    private readonly Lock _lock = new();
    private readonly List<WorkerOutputLine> _lines = [];

    public SeveralNodesTests()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The workers are /bin/sh scripts.");
    }

    [Fact]
    public async Task RunAsync_UnequalNodes_NumbersTheRanksThrough()
    {
        LaunchResult[] results = await RunAsync(
            Options(0, "echo $RANK $LOCAL_RANK $WORLD_SIZE $LOCAL_WORLD_SIZE $GROUP_RANK $GROUP_WORLD_SIZE $MASTER_PORT $CONVOY_JOB_SECRET $TORCHELASTIC_RUN_ID"),
            Options(1, "echo $RANK $LOCAL_RANK $WORLD_SIZE $LOCAL_WORLD_SIZE $GROUP_RANK $GROUP_WORLD_SIZE $MASTER_PORT $CONVOY_JOB_SECRET $TORCHELASTIC_RUN_ID") with { ProcessCount = 2 });

        Assert.Equal([[0], [0, 0]], results.Select(r => r.ExitCodes));
        string common = string.Create(CultureInfo.InvariantCulture, $"{_port + 1} known here only none");
        Assert.Equal([$"0 0 3 1 0 2 {common}", $"1 0 3 2 1 2 {common}", $"2 1 3 2 1 2 {common}"], _lines.OrderBy(l => l.Rank).Select(l => l.Text));
    }

    [Fact]
    public async Task RunAsync_OneNodesWorkerFails_EndsAllAndAllNameIt()
    {
        LaunchResult[] results = await RunAsync(Options(0, "exec sleep 60"), Options(1, "echo oh >&2; exit 7"));

        Assert.Equal([[143], [7]], results.Select(r => r.ExitCodes));
        foreach (LaunchResult result in results)
        {
            Assert.Equal(7, result.ExitCode);
            Assert.Equal(1, result.Failure?.Rank);
            Assert.Equal(1, result.Failure?.NodeRank);
            Assert.Equal(["oh"], result.Failure?.LastLines);
            Assert.Contains("on node 1 (", result.Failure?.DescribeWithNode(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task RunAsync_FailsAfterAnotherNodeIsDone_RestartsBoth()
    {
        const string script = "echo $RANK $TORCHELASTIC_RESTART_COUNT; [ $RANK = 1 ] && [ $TORCHELASTIC_RESTART_COUNT = 0 ] && { sleep 0.5; exit 3; }; exit 0";

        LaunchResult[] results = await RunAsync(Options(0, script) with { MaxRestarts = 1 }, Options(1, script) with { MaxRestarts = 1 });

        Assert.Equal([1, 1], results.Select(r => r.Restarts));
        Assert.All(results, r => Assert.Equal(0, r.ExitCode));
        Assert.Equal(["0 0", "0 1", "1 0", "1 1"], _lines.Select(l => l.Text).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task RunAsync_OneIsInterrupted_InterruptsAll()
    {
        using var cancel = new CancellationTokenSource();
        LauncherOptions second = Options(1, "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done");
        Task<LaunchResult> first = Launch(Options(0, "trap 'exit 4' TERM; echo ready; while :; do sleep 0.05; done"), TestContext.Current.CancellationToken);
        LaunchResult result = await Launch(second with { OnOutput = _ => cancel.CancelAfter(500) }, cancel.Token);

        Assert.True(result.Interrupted);
        Assert.True((await first).Interrupted);
        Assert.Equal([5], result.ExitCodes);
        Assert.Equal([4], (await first).ExitCodes);
    }

    [Fact]
    public async Task RunAsync_OneCannotStartItsProgram_EndsTheOther()
    {
        Task<LaunchResult> first = Launch(Options(0, "exec sleep 60"), TestContext.Current.CancellationToken);
        Task<LaunchResult> second = Launch(Options(1, "") with { Program = new LaunchProgram("/nowhere/program", []) }, TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<LaunchException>(() => second);
        PeerNodeException error = await Assert.ThrowsAsync<PeerNodeException>(() => first);
        Assert.Equal("node 1 failed: the program cannot be started (/nowhere/program: no such file). Check its path and that it is executable.", error.Message);
    }

    [Fact]
    public async Task RunAsync_NodeZeroCannotServeTheRanks_EndsTheOther()
    {
        using var taken = new TcpListener(IPAddress.Loopback, _port + 1);
        taken.Start();

        Task<LaunchResult> first = Launch(Options(0, "exec sleep 60"), TestContext.Current.CancellationToken);
        Task<LaunchResult> second = Launch(Options(1, "exec sleep 60"), TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<RendezvousException>(() => first);
        PeerNodeException error = await Assert.ThrowsAsync<PeerNodeException>(() => second);
        Assert.StartsWith("node 0 failed: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_NodeZeroIsInterruptedWhileMachinesGather_InterruptsTheOther()
    {
        using var interrupt = new CancellationTokenSource();
        Task<LaunchResult> first = Launch(Options(0, "true") with { NodeCount = 3 }, interrupt.Token);
        Task<LaunchResult> second = Launch(Options(1, "true") with { NodeCount = 3 }, TestContext.Current.CancellationToken);

        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        await interrupt.CancelAsync();

        Assert.Equal([130, 130], (await Task.WhenAll(first, second)).Select(result => result.ExitCode));
    }

    [Fact]
    public async Task RunAsync_OneNeverComes_SaysWhich()
    {
        PeerNodeException error = await Assert.ThrowsAsync<PeerNodeException>(() => Launch(Options(0, "true") with { NodeCount = 3, JoinTimeoutSeconds = 0.3 }, TestContext.Current.CancellationToken));

        Assert.Equal("not all machines joined within 0.3 s (missing: nodes 1, 2). Start a launcher on each, with the same address, port and number of machines.", error.Message);
    }

    [Fact]
    public async Task RunAsync_ToldDifferentNumbers_SaysSo()
    {
        Task<LaunchResult> first = Launch(Options(0, "true") with { JoinTimeoutSeconds = 2, NodeCount = 2 }, TestContext.Current.CancellationToken);

        PeerNodeException error = await Assert.ThrowsAsync<PeerNodeException>(() => Launch(Options(1, "true") with { NodeCount = 3 }, TestContext.Current.CancellationToken));

        Assert.Equal("the launchers have different settings (number of machines: 3 here, 2 on node 0). Give all launchers the same.", error.Message);
        await Assert.ThrowsAsync<PeerNodeException>(() => first);
    }

    [Fact]
    public async Task RunAsync_LauncherSaysNothingMore_CountsAsLost()
    {
        // A launcher that joins and then is heard no more, as when its machine is switched off.
        Task<LaunchResult> first = Launch(Options(0, "exec sleep 60") with { NodeTimeoutSeconds = 0.5 }, TestContext.Current.CancellationToken);
        using var store = new TcpStore("127.0.0.1", _port, "known here only", TimeSpan.FromSeconds(10));
        new JobBoard(store).Arrive(new NodeIntroduction("far", 1, 1, 2, 2, "none", 0));

        PeerNodeException error = await Assert.ThrowsAsync<PeerNodeException>(() => first);

        Assert.Equal("node 1 failed: there was no sign of life for 0.5 s. Check whether the machine and its launcher are still running.", error.Message);
    }

    [Fact]
    public async Task RunAsync_SameNodeTwice_IsRefused()
    {
        using var cancel = new CancellationTokenSource();
        Task<LaunchResult> first = Launch(Options(0, "true") with { NodeCount = 3 }, cancel.Token);
        Task<LaunchResult> second = Launch(Options(1, "true") with { NodeCount = 3 }, cancel.Token);
        Task<LaunchResult> again = Launch(Options(1, "true") with { NodeCount = 3 }, cancel.Token);

        Task<LaunchResult> refused = await Task.WhenAny(second, again);
        await cancel.CancelAsync();

        PeerNodeException error = await Assert.ThrowsAsync<PeerNodeException>(() => refused);
        Assert.Equal("another launcher is already node 1. Give each machine its own node rank, from 0 to 2.", error.Message);
        Assert.True((await first).Interrupted);
        Assert.True((await (refused == second ? again : second)).Interrupted);
    }

    [Fact]
    public async Task RunAsync_OtherSecret_IsRefused()
    {
        using var cancel = new CancellationTokenSource();
        Task<LaunchResult> first = Launch(Options(0, "true"), cancel.Token);

        await Assert.ThrowsAsync<RendezvousException>(() => Launch(Options(1, "true") with { JobSecret = "another" }, TestContext.Current.CancellationToken));

        await cancel.CancelAsync();
        LaunchResult result = await first;
        Assert.True(result.Interrupted);
        Assert.Empty(result.ExitCodes);
    }

    [Fact]
    public void Constructor_SeveralNodesWithoutASecret_Throws() =>
        Assert.Throws<ArgumentException>(() => new Launcher(Options(0, "true") with { JobSecret = null }));

    [Theory]
    [InlineData(2, 2)]
    [InlineData(1, 1)]
    [InlineData(0, 0)]
    public void Constructor_NodeOutOfRange_Throws(int count, int rank) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Launcher(Options(0, "true") with { NodeCount = count, NodeRank = rank }));

    private LauncherOptions Options(int node, string script) => new()
    {
        Program = new LaunchProgram("/bin/sh", ["-c", script]),
        ProcessCount = 1,
        NodeCount = 2,
        NodeRank = node,
        MasterPort = _port,
        JobSecret = "known here only",
        JoinTimeoutSeconds = 20,
        InterruptSignal = System.Runtime.InteropServices.PosixSignal.SIGTERM,
        OnOutput = line =>
        {
            lock (_lock)
            {
                _lines.Add(line);
            }
        },
    };

    private static Task<LaunchResult[]> RunAsync(params LauncherOptions[] nodes) =>
        Task.WhenAll(nodes.Select(options => Launch(options, TestContext.Current.CancellationToken)));

    private static Task<LaunchResult> Launch(LauncherOptions options, CancellationToken cancellation) => new Launcher(options).RunAsync(cancellation);
}
