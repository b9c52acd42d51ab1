using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Convoy.Distributed.Launch;

namespace Convoy.Distributed.Tests.Launch;

public sealed class LauncherTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("convoy-launch-").FullName;
    private readonly List<WorkerOutputLine> _lines = [];

    public LauncherTests()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The workers are /bin/sh scripts.");
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task RunAsync_TwoWorkers_GivesEachItsEnvironment()
    {
        LaunchResult result = await RunAsync(2, "env", o => o with
        {
            MaxRestarts = 3,
            ThreadsPerProcess = 5,
            RunId = "my job",
            Role = "trainer",
            Environment = new Dictionary<string, string> { ["CONVOY_TEST_ADDED"] = "a b", ["RANK"] = "77", ["TORCHELASTIC_USE_AGENT_STORE"] = "True" },
        });

        Assert.Equal([0, 0], result.ExitCodes);
        Assert.Null(result.Failure);
        for (int rank = 0; rank < 2; rank++)
        {
            Dictionary<string, string> environment = EnvironmentOf(rank);
            string text = rank.ToString(CultureInfo.InvariantCulture);
            Assert.Equal(text, environment["RANK"]);
            Assert.Equal(text, environment["LOCAL_RANK"]);
            Assert.Equal("2", environment["WORLD_SIZE"]);
            Assert.Equal("2", environment["LOCAL_WORLD_SIZE"]);
            Assert.Equal("0", environment["GROUP_RANK"]);
            Assert.Equal("1", environment["GROUP_WORLD_SIZE"]);
            Assert.Equal("trainer", environment["ROLE_NAME"]);
            Assert.Equal(text, environment["ROLE_RANK"]);
            Assert.Equal("2", environment["ROLE_WORLD_SIZE"]);
            Assert.Equal("my job", environment["TORCHELASTIC_RUN_ID"]);
            Assert.DoesNotContain("TORCHELASTIC_USE_AGENT_STORE", environment.Keys);
            Assert.Equal("127.0.0.1", environment["MASTER_ADDR"]);
            Assert.InRange(int.Parse(environment["MASTER_PORT"], CultureInfo.InvariantCulture), 1, 65535);
            Assert.Equal("0", environment["TORCHELASTIC_RESTART_COUNT"]);
            Assert.Equal("3", environment["TORCHELASTIC_MAX_RESTARTS"]);
            Assert.Equal("5", environment["OMP_NUM_THREADS"]);
            Assert.Equal("1", environment["CONVOY_STORE_HOSTED"]);
            Assert.Equal(Environment.ProcessId.ToString(CultureInfo.InvariantCulture), environment["CONVOY_PARENT_PID"]);
            Assert.Equal("a b", environment["CONVOY_TEST_ADDED"]);
            Assert.Equal(EnvironmentOf(0)["MASTER_PORT"], environment["MASTER_PORT"]);
            Assert.Equal(EnvironmentOf(0)["CONVOY_JOB_SECRET"], environment["CONVOY_JOB_SECRET"]);
            Assert.Equal(EnvironmentOf(0)["CONVOY_LAUNCH_ID"], environment["CONVOY_LAUNCH_ID"]);
        }
    }

    [Fact]
    public async Task RunAsync_Twice_HasAnotherSecretEachTime()
    {
        await RunAsync(1, "env");
        string first = EnvironmentOf(0)["CONVOY_JOB_SECRET"];
        _lines.Clear();
        await RunAsync(1, "env");

        Assert.True(first.Length >= 32);
        Assert.NotEqual(first, EnvironmentOf(0)["CONVOY_JOB_SECRET"]);
    }

    [Fact]
    public async Task RunAsync_ThreadsNotGiven_SharesTheCores()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is not (null or ""), "OMP_NUM_THREADS is set here, so the workers inherit it.");
        await RunAsync(1, "env");
        Assert.Equal(Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture), EnvironmentOf(0)["OMP_NUM_THREADS"]);

        _lines.Clear();
        await RunAsync((2 * Environment.ProcessorCount) + 1, "env");
        Assert.Equal("1", EnvironmentOf(0)["OMP_NUM_THREADS"]);
    }

    [Fact]
    public async Task RunAsync_ThreadsInTheAddedEnvironment_LeavesThem()
    {
        await RunAsync(2, "env", o => o with { Environment = new Dictionary<string, string> { ["OMP_NUM_THREADS"] = "9" } });

        Assert.Equal("9", EnvironmentOf(1)["OMP_NUM_THREADS"]);
    }

    [Fact]
    public async Task RunAsync_WaitPolicy_IsPassiveUnlessItIsSet()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is not (null or ""), "OMP_WAIT_POLICY is set here, so the workers inherit it.");
        await RunAsync(1, "env");
        Assert.Equal("passive", EnvironmentOf(0)["OMP_WAIT_POLICY"]);

        _lines.Clear();
        await RunAsync(1, "env", o => o with { Environment = new Dictionary<string, string> { ["OMP_WAIT_POLICY"] = "active" } });
        Assert.Equal("active", EnvironmentOf(0)["OMP_WAIT_POLICY"]);
    }

    [Fact]
    public async Task RunAsync_KeepMemory_SetsTheAllocatorUnlessItIsSet()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "GLIBC_TUNABLES is of effect on Linux only.");
        Assert.SkipWhen(Environment.GetEnvironmentVariable(KeptMemory.Variable) is not (null or ""), "GLIBC_TUNABLES is set here, so the workers inherit it.");
        await RunAsync(1, "env");
        Assert.Equal(KeptMemory.Value, EnvironmentOf(0)[KeptMemory.Variable]);
        Assert.DoesNotContain(KeptMemory.SwitchVariable, EnvironmentOf(0).Keys);

        _lines.Clear();
        await RunAsync(1, "env", o => o with { Environment = new Dictionary<string, string> { [KeptMemory.Variable] = "glibc.malloc.arena_max=2" } });
        Assert.Equal("glibc.malloc.arena_max=2", EnvironmentOf(0)[KeptMemory.Variable]);

        _lines.Clear();
        await RunAsync(1, "env", o => o with { KeepMemory = false });
        Assert.DoesNotContain(KeptMemory.Variable, EnvironmentOf(0).Keys);
        Assert.Equal("0", EnvironmentOf(0)[KeptMemory.SwitchVariable]);
    }

    [Fact]
    public async Task RunAsync_NoStore_LeavesThePortFree()
    {
        await RunAsync(1, "env", o => o with { HostStore = false });

        Dictionary<string, string> environment = EnvironmentOf(0);
        Assert.DoesNotContain("CONVOY_STORE_HOSTED", environment.Keys);
        Assert.NotEqual("0", environment["MASTER_PORT"]);
    }

    [Fact]
    public async Task RunAsync_SeveralFail_NamesTheFirstByTime()
    {
        LaunchResult result = await RunAsync(3, $"case $RANK in 1) {AwaitReady()} echo broken >&2; echo not this; exit 3;; 2) trap 'exit 4' TERM; {Ready()} sleep 30 & wait;; *) exec sleep 30;; esac");

        Assert.Equal(3, result.ExitCodes[1]);
        Assert.Equal(4, result.ExitCodes[2]);
        Assert.Equal(128 + 15, result.ExitCodes[0]);
        Assert.NotNull(result.Failure);
        Assert.Equal(1, result.Failure.Rank);
        Assert.Equal(3, result.Failure.ExitCode);
        Assert.Null(result.Failure.SignalName);
        Assert.Equal(["broken"], result.Failure.LastLines);
        Assert.Equal(3, result.ExitCode);
        Assert.False(result.Interrupted);
        Assert.Equal($"rank 1 (pid {result.Failure.ProcessId.ToString(CultureInfo.InvariantCulture)}) exited with code 3", result.Failure.Describe());
    }

    [Fact]
    public async Task RunAsync_FailedWorkerWroteNoErrors_KeepsItsLastOutput()
    {
        LaunchResult result = await RunAsync(1, "echo 1; echo 2; echo 3; exit 9", o => o with { LastLines = 2 });

        Assert.Equal(["2", "3"], result.Failure!.LastLines);
    }

    [Fact]
    public async Task RunAsync_WorkerKilled_EndsFastAndLeavesNoProcess()
    {
        var clock = Stopwatch.StartNew();
        LaunchResult result = await RunAsync(2, $"{Sleeper()} if [ $RANK = 1 ]; then {AwaitReady()} kill -9 $$; fi; {Ready()} wait");

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(4), $"took {clock.Elapsed}");
        Assert.Equal(1, result.Failure!.Rank);
        Assert.Equal("SIGKILL", result.Failure.SignalName);
        Assert.Equal(137, result.ExitCode);
        AssertSleepersEnded(2);
    }

    [Fact]
    public async Task RunAsync_WorkerIgnoresSigterm_KillsItAfterTheGraceTime()
    {
        var clock = Stopwatch.StartNew();
        LaunchResult result = await RunAsync(2, $"if [ $RANK = 1 ]; then {AwaitReady()} exit 1; fi; trap '' TERM; {Ready()} while :; do sleep 0.1; done", o => o with { GraceSeconds = 0.7 });

        Assert.Equal([137, 1], result.ExitCodes);
        Assert.Equal(1, result.Failure!.Rank);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0.7, 20);
    }

    [Fact]
    public async Task RunAsync_WorkerLeavesAProcessBehind_EndsIt()
    {
        LaunchResult result = await RunAsync(1, $"{Sleeper()} exit 0");

        Assert.Equal(0, result.ExitCode);
        AssertSleepersEnded(1);
    }

    [Fact]
    public async Task RunAsync_Cancelled_PassesSigintAndSaysSo()
    {
        SkipWhereInterruptsAreIgnored();
        using var cancel = new CancellationTokenSource();
        var clock = Stopwatch.StartNew();
        LaunchResult result = await RunAsync(2, $"trap 'echo saved; exit 0' INT; trap 'echo terminated; exit 1' TERM; {Sleeper()} echo ready; wait", o => o with { OnOutput = CancelWhenReady(2, cancel) }, cancel.Token);

        Assert.True(result.Interrupted);
        Assert.Null(result.Failure);
        Assert.Equal(130, result.ExitCode);
        Assert.Equal([0, 0], result.ExitCodes);
        Assert.Equal(2, _lines.Count(l => l.Text == "saved"));
        Assert.DoesNotContain(_lines, l => l.Text == "terminated");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"took {clock.Elapsed}");
        AssertSleepersEnded(2);
    }

    [Fact]
    public async Task RunAsync_CancelledWorkersIgnoreSigint_TerminatesAfterTheGraceTime()
    {
        using var cancel = new CancellationTokenSource();
        LaunchResult result = await RunAsync(1, "trap '' INT; trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done", o => o with { InterruptGraceSeconds = 0.3, OnOutput = CancelWhenReady(1, cancel) }, cancel.Token);

        Assert.True(result.Interrupted);
        Assert.Equal([5], result.ExitCodes);
    }

    [Fact]
    public async Task RunAsync_CancelledWorkersIgnoreSigint_TerminatesThemAtOnce()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What a process ignores is read from /proc.");
        using var cancel = new CancellationTokenSource();
        LaunchResult result = await RunAsync(1, "trap '' INT; trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done", o => o with { InterruptGraceSeconds = 3600, OnOutput = CancelWhenReady(1, cancel) }, cancel.Token);

        Assert.True(result.Interrupted);
        Assert.Equal([5], result.ExitCodes);
    }

    [Fact]
    public async Task RunAsync_CancelledWithAChosenSignal_SendsThatOne()
    {
        using var cancel = new CancellationTokenSource();
        LaunchResult result = await RunAsync(
            1,
            "trap 'exit 4' INT; trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done",
            o => o with { ChooseInterruptSignal = () => PosixSignal.SIGTERM, OnOutput = CancelWhenReady(1, cancel) },
            cancel.Token);

        Assert.Equal([5], result.ExitCodes);
    }

    [Fact]
    public async Task RunAsync_WholeProcessGroupIsTerminated_IsAnInterruption()
    {
        // Rank 0 ends of SIGTERM before the launcher hears of its own.
        using var cancel = new CancellationTokenSource();
        LaunchResult result = await RunAsync(2, "echo ready; [ $RANK = 0 ] && { sleep 0.3; kill -TERM $$; }; exec sleep 60", o => o with
        {
            OnOutput = line =>
            {
                _lines.Add(line);
                if (_lines.Count(l => l.Text == "ready") == 2)
                {
                    cancel.CancelAfter(TimeSpan.FromSeconds(0.4));
                }
            },
        }, cancel.Token);

        Assert.True(result.Interrupted);
        Assert.Equal(130, result.ExitCode);
    }

    [Fact]
    public async Task RunAsync_SeveralFailBeforeTheyAreTold_ListsAllWithTheCauseFirst()
    {
        LaunchResult result = await RunAsync(3, $$$$"""
            write() { printf '%s' "$1" > $TORCHELASTIC_ERROR_FILE.part; mv $TORCHELASTIC_ERROR_FILE.part $TORCHELASTIC_ERROR_FILE; }
            if [ $RANK = 2 ]; then trap 'exit 9' TERM; write '{"message":{"message":"first","extraInfo":{"py_callstack":"Kind: first\n   at there"}}}'; {{{{Ready()}}}} while :; do sleep 0.02; done; fi
            [ $RANK = 1 ] && exec sleep 30
            {{{{AwaitReady()}}}} sleep 0.1; exit 3
            """);

        Assert.Equal([2, 0], result.Failures.Select(f => f.Rank));
        Assert.Equal(result.Failure, result.Failures[0]);
        Assert.Equal("Kind: first\n   at there", result.Failure?.Callstack);
        Assert.Equal(2, result.Failure?.LocalRank);
        Assert.Equal(0, result.Failure?.NodeRank);
        Assert.Equal(Environment.MachineName, result.Failure?.Host);
        Assert.True(result.Failures[0].Time < result.Failures[1].Time);
        Assert.Equal(9, result.ExitCode);
    }

    [Fact]
    public async Task RunAsync_PinCores_GivesEachWorkerItsShare()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Cores are pinned on Linux only.");
        Assert.SkipWhen(Environment.ProcessorCount < 2, "There is one core only.");
        var notices = new List<string>();
        await RunAsync(2, "grep Cpus_allowed_list: /proc/self/status", o => o with { PinCores = true, OnNotice = notices.Add });

        string[] masks = [.. _lines.OrderBy(l => l.Rank).Select(l => l.Text.Split('\t')[^1])];
        Assert.Equal(2, masks.Length);
        Assert.NotEqual(masks[0], masks[1]);
        Assert.Equal($"cores: rank 0: {masks[0].Replace(',', '+')}, rank 1: {masks[1].Replace(',', '+')}.", Assert.Single(notices));
    }

    [Fact]
    public void Bind_Disposed_RestoresThisThreadsCores()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Cores are pinned on Linux only.");
        int before = new LinuxCoreAffinity().Cores().Count;
        using (new LinuxCoreAffinity().Bind([new LinuxCoreAffinity().Cores()[0][0]]))
        {
            Assert.Single(new LinuxCoreAffinity().Cores());
        }

        Assert.Equal(before, new LinuxCoreAffinity().Cores().Count);
    }

    [Fact]
    public async Task RunAsync_CauseEndsAfterItsPeer_IsNamedByItsErrorFile()
    {
        // Rank 1 fails first and says so, but takes its time to end; rank 0 notices, says that, and ends at once.
        LaunchResult result = await RunAsync(2, $$$$"""
            write() { echo "$1" > $TORCHELASTIC_ERROR_FILE.part; mv $TORCHELASTIC_ERROR_FILE.part $TORCHELASTIC_ERROR_FILE; }
            if [ $RANK = 1 ]; then trap 'exit 9' TERM; write '{"message":{"message":"the cause"}}'; {{{{Ready()}}}} while :; do sleep 0.02; done; fi
            {{{{AwaitReady()}}}} write '{"message":{"message":"rank 1 is lost","extraInfo":{"peer_lost":true}}}'; exit 3
            """);

        Assert.Equal(1, result.Failure?.Rank);
        Assert.Equal("the cause", result.Failure?.Message);
        Assert.Equal([3, 9], result.ExitCodes);
        Assert.Contains("failed with exit code 9: the cause", result.Failure?.Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_KilledRankAndPeerThatRecordsItsLoss_NamesTheKilledOne()
    {
        LaunchResult result = await RunAsync(2, $$$$"""
            if [ $RANK = 0 ]; then trap 'exit 3' TERM; echo '{"message":{"message":"rank 1 is lost","extraInfo":{"peer_lost":true}}}' > $TORCHELASTIC_ERROR_FILE; {{{{Ready()}}}} while :; do sleep 0.02; done; fi
            {{{{AwaitReady()}}}} kill -9 $$
            """);

        Assert.Equal(1, result.Failure?.Rank);
        Assert.Equal("SIGKILL", result.Failure?.SignalName);
    }

    [Fact]
    public async Task RunAsync_FailsTwice_RestartsTheWholeGroupWithItsCount()
    {
        var restarts = new List<int>();
        LaunchResult result = await RunAsync(2, "echo $TORCHELASTIC_RESTART_COUNT; [ $RANK = 0 ] && [ $TORCHELASTIC_RESTART_COUNT != 2 ] && exec sleep 30; [ $TORCHELASTIC_RESTART_COUNT = 2 ] || exit 6", o => o with
        {
            MaxRestarts = 5,
            LogDirectory = _directory,
            OnRestart = (failure, restart) =>
            {
                Assert.Equal(6, failure.ExitCode);
                restarts.Add(restart);
            },
        });

        Assert.Equal(0, result.ExitCode);
        Assert.Equal(2, result.Restarts);
        Assert.Equal([1, 2], restarts);
        Assert.Equal("0\n1\n2\n", File.ReadAllText(Path.Combine(_directory, "rank-1.log")));
    }

    [Fact]
    public async Task RunAsync_FailsTooOften_GivesTheLastFailure()
    {
        LaunchResult result = await RunAsync(1, "exit $((10 + TORCHELASTIC_RESTART_COUNT))", o => o with { MaxRestarts = 1 });

        Assert.Equal(11, result.ExitCode);
        Assert.Equal(1, result.Restarts);
    }

    [Fact]
    public async Task RunAsync_LogDirectory_HasOneLogPerRankWithBothStreams()
    {
        string logs = Path.Combine(_directory, "new", "logs");
        await RunAsync(2, "echo out $RANK; echo err $RANK >&2", o => o with { LogDirectory = logs });

        for (int rank = 0; rank < 2; rank++)
        {
            string[] log = File.ReadAllLines(Path.Combine(logs, $"rank-{rank.ToString(CultureInfo.InvariantCulture)}.log"));
            Assert.Equal([$"err {rank}", $"out {rank}"], log.Order(StringComparer.Ordinal));
            Assert.Contains(new WorkerOutputLine(rank, WorkerOutputStream.Output, $"out {rank}", rank), _lines);
            Assert.Contains(new WorkerOutputLine(rank, WorkerOutputStream.Error, $"err {rank}", rank), _lines);
        }
    }

    [Fact]
    public async Task RunAsync_ReadsInput_FindsItEmpty()
    {
        LaunchResult result = await RunAsync(1, "cat; echo end");

        Assert.Equal(0, result.ExitCode);
        Assert.Equal(["end"], _lines.Select(l => l.Text));
    }

    [Theory]
    [InlineData("/nowhere/convoy-no-such-program", "no such file", "Check its path and that it is executable.")]
    [InlineData("/etc/passwd", "no permission to run it", "Make it executable: chmod +x /etc/passwd.")]
    public async Task RunAsync_ProgramCannotBeStarted_SaysWhy(string program, string reason, string remedy)
    {
        var launcher = new Launcher(new LauncherOptions { Program = new LaunchProgram(program, []), ProcessCount = 2 });

        LaunchException error = await Assert.ThrowsAsync<LaunchException>(() => launcher.RunAsync(TestContext.Current.CancellationToken));

        Assert.Equal($"the program cannot be started ({program}: {reason}). {remedy}", error.Message);
    }

    [Fact]
    public async Task RunAsync_LaterRankCannotStart_EndsTheEarlierOnes()
    {
        // Rank 1's log is a directory: it can't be opened, rank 0 runs by then.
        Directory.CreateDirectory(Path.Combine(_directory, "rank-1.log"));

        await Assert.ThrowsAsync<LaunchException>(() => RunAsync(2, $"{Sleeper()} wait", o => o with { LogDirectory = _directory }));

        Assert.Empty(RunningSleepers());
    }

    [Fact]
    public async Task RunAsync_OutputCallbackThrows_EndsTheRunWithItsException()
    {
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => RunAsync(2, $"{Sleeper()} echo here; wait", o => o with { OnOutput = _ => throw new InvalidDataException("no") }));

        Assert.Equal("no", error.Message);
        Assert.NotEmpty(Sleepers());
        Assert.Empty(RunningSleepers());
    }

    [Fact]
    public async Task RunAsync_MuchOutput_LosesNoLine()
    {
        await RunAsync(2, "i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done");

        for (int rank = 0; rank < 2; rank++)
        {
            Assert.Equal(Enumerable.Range(0, 5000).Select(i => $"line {i}"), _lines.Where(l => l.Rank == rank).Select(l => l.Text));
        }
    }

    [Theory]
    [InlineData(0, 0, 5.0)]
    [InlineData(1, -1, 5.0)]
    [InlineData(1, 0, -1.0)]
    public void Constructor_ValueOutOfRange_Throws(int processes, int restarts, double grace)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Launcher(new LauncherOptions
        {
            Program = new LaunchProgram("true", []),
            ProcessCount = processes,
            MaxRestarts = restarts,
            GraceSeconds = grace,
        }));
    }

    private Task<LaunchResult> RunAsync(int processes, string script, Func<LauncherOptions, LauncherOptions>? change = null, CancellationToken? cancellation = null)
    {
        var options = new LauncherOptions
        {
            Program = new LaunchProgram("/bin/sh", ["-c", script]),
            ProcessCount = processes,
            OnOutput = _lines.Add,
        };
        return new Launcher(change?.Invoke(options) ?? options).RunAsync(cancellation ?? TestContext.Current.CancellationToken);
    }

    private Dictionary<string, string> EnvironmentOf(int rank) => _lines
        .Where(l => l.Rank == rank && l.Text.Contains('='))
        .Select(l => l.Text.Split('=', 2))
        .ToDictionary(p => p[0], p => p[1]);

    private Action<WorkerOutputLine> CancelWhenReady(int workers, CancellationTokenSource cancel) => line =>
    {
        _lines.Add(line);
        if (line.Text == "ready" && _lines.Count(l => l.Text == "ready") == workers)
        {
            cancel.CancelAfter(1);
        }
    };

    // A background process of the worker that notes its id, so that the test can look whether it is still there.
    private string Sleeper() => $"sleep 60 & echo $! > {_directory}/sleeper-$RANK;";

    // One worker waits until another one has set its traps.
    private string Ready() => $": > {_directory}/ready;";

    private string AwaitReady() => $"while [ ! -e {_directory}/ready ]; do sleep 0.02; done;";

    private int[] Sleepers() => [.. Directory.GetFiles(_directory, "sleeper-*").Select(f => File.ReadAllText(f).Trim()).Where(t => t.Length > 0).Select(t => int.Parse(t, CultureInfo.InvariantCulture))];

    private IEnumerable<int> RunningSleepers() => Sleepers().Where(id => File.Exists($"/proc/{id}/cmdline") && File.ReadAllText($"/proc/{id}/cmdline").Contains("sleep", StringComparison.Ordinal));

    private void AssertSleepersEnded(int count)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What workers leave behind is found through /proc.");
        Assert.Equal(count, Sleepers().Length);
        Assert.Empty(RunningSleepers());
    }

    private static void SkipWhereInterruptsAreIgnored()
    {
        string? ignored = File.Exists("/proc/self/status") ? File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith("SigIgn:", StringComparison.Ordinal)) : null;
        bool ignoresInterrupt = ignored is not null && (ulong.Parse(ignored[7..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & 2) != 0;
        Assert.SkipWhen(ignoresInterrupt, "SIGINT is ignored in this session, and a shell can't trap what was ignored.");
    }
}
