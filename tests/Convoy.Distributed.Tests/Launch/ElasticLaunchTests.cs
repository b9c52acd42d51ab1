using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Convoy.Distributed.Launch;
using Convoy.Distributed.Rendezvous;
using Convoy.Tests;

namespace Convoy.Distributed.Tests.Launch;

/// <summary>Launchers of a job whose number of machines may change, in this process, on loopback. Those that are killed are in <c>Convoy.Cli.Tests</c>.</summary>
public sealed class ElasticLaunchTests : IDisposable
{
    // A worker says where it is, and works until a file appears.
    private const string Work = "echo \"$TORCHELASTIC_RESTART_COUNT: $RANK of $WORLD_SIZE on $GROUP_RANK of $GROUP_WORLD_SIZE\"; trap 'echo told; exit 143' TERM; while [ ! -e $DONE ]; do sleep 0.05; done";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("convoy-elastic-");
    private readonly ConcurrentQueue<string> _lines = [], _notices = [];
    private readonly int _port = FreePorts.Pair();

    public ElasticLaunchTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "The workers are /bin/sh scripts.");

    private string Done => Path.Combine(_folder.FullName, "done");

    [Fact]
    public async Task RunAsync_NoNodeRanks_NumbersInTheOrderOfArrival()
    {
        Task<LaunchResult> first = Launch(Options(Work) with { MinNodeCount = 2 });
        using (new TcpStore("127.0.0.1", _port, "known here only"))
        {
            // The first one serves it now, and so is node 0.
        }

        Task<LaunchResult> second = Launch(Options(Work) with { ProcessCount = 2, MinNodeCount = 2 });
        await UntilAsync("0: 2 of 3 on 1 of 2");
        End();

        Assert.Equal([[0], [0, 0]], (await Task.WhenAll(first, second)).Select(result => result.ExitCodes));
        Assert.Equal(["0: 0 of 3 on 0 of 2", "0: 1 of 3 on 1 of 2", "0: 2 of 3 on 1 of 2"], _lines.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task RunAsync_OneComesLate_AllStartAgainWithIt()
    {
        Task<LaunchResult> first = Launch(Options(Work));
        await UntilAsync("0: 0 of 1 on 0 of 1");
        Task<LaunchResult> late = Launch(Options(Work));
        await UntilAsync("1: 0 of 2 on 0 of 2");
        await UntilAsync("1: 1 of 2 on 1 of 2");
        End();

        // A machine that comes is no restart, and the workers were told in an orderly way.
        Assert.Equal([0, 0], (await Task.WhenAll(first, late)).Select(result => result.Restarts));
        Assert.Equal(["0: 0 of 1 on 0 of 1", "1: 0 of 2 on 0 of 2", "1: 1 of 2 on 1 of 2", "told"], _lines.Order(StringComparer.Ordinal));
        Assert.Contains(_notices, notice => notice == $"all start again: {Environment.MachineName} has come.");
    }

    [Fact]
    public async Task RunAsync_OneIsInterrupted_LeavesAndTheOtherGoesOn()
    {
        using var leave = new CancellationTokenSource();
        Task<LaunchResult> first = Launch(Options(Work));
        Task<LaunchResult> second = Launch(Options(Work), leave.Token);
        await UntilAsync("0: 1 of 2 on 1 of 2");
        await leave.CancelAsync();
        LaunchResult left = await second;
        await UntilAsync("1: 0 of 1 on 0 of 1");
        End();

        Assert.True(left.Interrupted);
        LaunchResult result = await first;
        Assert.Equal((0, 0), (result.ExitCode, result.Restarts));
    }

    [Fact]
    public async Task RunAsync_NodeZeroIsInterrupted_EndsTheJob()
    {
        using var stop = new CancellationTokenSource();
        Task<LaunchResult> first = Launch(Options(Work) with { NodeRank = 0 }, stop.Token);
        Task<LaunchResult> second = Launch(Options(Work) with { NodeRank = 1 });
        await UntilAsync("0: 1 of 2 on 1 of 2");
        await stop.CancelAsync();

        Assert.True((await first).Interrupted);
        Assert.True((await second).Interrupted);
    }

    [Fact]
    public async Task RunAsync_RankFails_AllStartAgainAndTheNextFailureEndsIt()
    {
        const string script = "echo $TORCHELASTIC_RESTART_COUNT $RANK; [ $RANK = 1 ] && { sleep 0.3; exit 7; }; exec sleep 60";
        LaunchResult[] results = await Task.WhenAll(Launch(Options(script) with { MaxRestarts = 1 }), Launch(Options(script) with { MaxRestarts = 1 }));

        Assert.All(results, result => Assert.Equal((7, 1, 1), (result.ExitCode, result.Restarts, result.Failure?.Rank)));
        Assert.Equal(["0 0", "0 1", "1 0", "1 1"], _lines.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task RunAsync_MoreThanTheMost_TheLastWaitsAndIsToldTheEnd()
    {
        LauncherOptions most = Options(Work) with { NodeCount = 2 };
        Task<LaunchResult> first = Launch(most), second = Launch(most);
        await UntilAsync("0: 1 of 2 on 1 of 2");
        Task<LaunchResult> spare = Launch(most);
        await UntilNoticeAsync($"the job runs on 2 of at most 2 machines ({Environment.MachineName}, {Environment.MachineName}): this one waits for its next start.");
        End();

        LaunchResult result = await spare;
        Assert.Equal((0, 0), (result.ExitCode, result.ExitCodes.Count));
        Assert.Contains("the job has ended without this machine.", _notices);
        Assert.All(await Task.WhenAll(first, second), r => Assert.Equal(0, r.ExitCode));
    }

    [Fact]
    public async Task RunAsync_FewerThanTheLeast_SaysHowManyAreMissing()
    {
        LauncherOptions options = Options(Work) with { MinNodeCount = 3, NodeCount = 4, JoinTimeoutSeconds = 1 };
        Task<LaunchResult> first = Launch(options), second = Launch(options);

        PeerNodeException[] errors = [await Assert.ThrowsAsync<PeerNodeException>(() => first), await Assert.ThrowsAsync<PeerNodeException>(() => second)];

        string host = Environment.MachineName;
        Assert.All(errors, error => Assert.Equal($"not enough machines joined within 1 s (2 of at least 3; missing: 1 more beside {host}, {host}). Start a launcher on each, with the same address, port and number of machines.", error.Message));
    }

    [Fact]
    public async Task RunAsync_RangesDiffer_SaysSo()
    {
        Task<LaunchResult> first = Launch(Options(Work) with { NodeRank = 0, LastCallSeconds = 30, JoinTimeoutSeconds = 30 });

        PeerNodeException error = await Assert.ThrowsAsync<PeerNodeException>(() => Launch(Options(Work) with { NodeRank = 1, MinNodeCount = 2 }));

        Assert.Equal("the launchers have different settings (number of machines: 2:3 here, 1:3 on node 0). Give all launchers the same.", error.Message);
        Task<LaunchResult> second = Launch(Options(Work) with { NodeRank = 1 }), third = Launch(Options(Work) with { NodeRank = 2 });
        await UntilAsync("0: 2 of 3 on 2 of 3");
        End();
        Assert.All(await Task.WhenAll(first, second, third), result => Assert.Equal(0, result.ExitCode));
    }

    [Fact]
    public async Task RunAsync_LateMachineTakesARankWithALog_KeepsTheEarlierRunsLog()
    {
        string logs = Path.Combine(_folder.FullName, "logs");
        Directory.CreateDirectory(logs);
        await File.WriteAllTextAsync(Path.Combine(logs, "rank-1.log"), "of an earlier run\n", TestContext.Current.CancellationToken);
        Task<LaunchResult> first = Launch(Options(Work));
        await UntilAsync("0: 0 of 1 on 0 of 1");
        Task<LaunchResult> late = Launch(Options(Work) with { LogDirectory = logs });
        await UntilAsync("1: 1 of 2 on 1 of 2");
        End();
        await Task.WhenAll(first, late);

        Assert.Equal("1: 1 of 2 on 1 of 2\n", await File.ReadAllTextAsync(Path.Combine(logs, "rank-1.log"), TestContext.Current.CancellationToken));
        Assert.Equal("of an earlier run\n", await File.ReadAllTextAsync(Path.Combine(logs, "earlier-1", "rank-1.log"), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(3, 2)]
    public void Constructor_LeastOutOfRange_Throws(int least, int most) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Launcher(Options("true") with { MinNodeCount = least, NodeCount = most }));

    public void Dispose() => _folder.Delete(recursive: true);

    private LauncherOptions Options(string script) => new()
    {
        Program = new LaunchProgram("/bin/sh", ["-c", script]),
        ProcessCount = 1,
        NodeCount = 3,
        MinNodeCount = 1,
        MasterPort = _port,
        JobSecret = "known here only",
        JoinTimeoutSeconds = 30,
        LastCallSeconds = 1,
        MonitorIntervalSeconds = 0.05,
        MaxRestarts = 0,
        InterruptSignal = PosixSignal.SIGTERM,
        Environment = new Dictionary<string, string> { ["DONE"] = Done },
        OnOutput = line => _lines.Enqueue(line.Text),
        OnNotice = _notices.Enqueue,
    };

    private static Task<LaunchResult> Launch(LauncherOptions options, CancellationToken? cancellation = null) =>
        new Launcher(options).RunAsync(cancellation ?? TestContext.Current.CancellationToken);

    private void End() => File.WriteAllText(Done, "");

    private Task UntilAsync(string line) => UntilAsync(_lines, line);

    private Task UntilNoticeAsync(string notice) => UntilAsync(_notices, notice);

    private async Task UntilAsync(ConcurrentQueue<string> told, string line)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (!told.Contains(line))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(60), $"'{line}' did not come:\n{string.Join('\n', _lines.Concat(_notices))}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
