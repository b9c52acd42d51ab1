using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Convoy.Cli.Tests;

/// <summary>Launchers as on several machines, in processes of their own that meet on loopback: one is killed, stopped, or comes back.</summary>
public sealed class LostHostTests : IDisposable
{
    // A worker says where it is and its process id, and works until a file appears.
    private const string Work = "echo \"$TORCHELASTIC_RESTART_COUNT: $RANK of $WORLD_SIZE\"; echo $$ >> $FOLDER/pids; while [ ! -e $FOLDER/done ]; do sleep 0.05; done";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("convoy-lost-");
    private readonly List<Host> _hosts = [];
    private readonly int _port = FreePorts.Pair();

    public LostHostTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals, and processes found by /proc.");

    [Fact]
    public async Task Launch_HostIsKilled_TheOthersGoOnAndTakeItInAgain()
    {
        Host first = await StartFirstAsync("1:3"), second = Start("1:3"), third = Start("1:3");
        await first.UntilAsync("0: 0 of 3");
        second.Signal("KILL");
        await first.UntilAsync("1: 0 of 2");
        await first.UntilErrorAsync("convoy: restart 1 of 3: node 1 failed: there was no sign of life for 2 s. Check whether the machine and its launcher are still running.", "convoy: restart 1 of 3: node 2 failed: there was no sign of life for 2 s. Check whether the machine and its launcher are still running.");
        Host back = Start("1:3");
        await first.UntilAsync("2: 0 of 3");
        await back.UntilAsync("2: 1 of 3", "2: 2 of 3");
        End();

        Assert.Equal(new[] { 0, 0, 0 }, new[] { await first.ExitCodeAsync(), await third.ExitCodeAsync(), await back.ExitCodeAsync() });
        Assert.Equal(137, await second.ExitCodeAsync());
        await NothingIsLeftAsync();
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Launch_HostIsStoppedForTooLong_IsLostAndJoinsAgainWhenItGoesOn()
    {
        Repetitions.RequireAll();
        Host first = await StartFirstAsync("1:2"), second = Start("1:2");
        await first.UntilAsync("0: 0 of 2");
        second.Signal("STOP");
        await first.UntilAsync("1: 0 of 1");
        second.Signal("CONT");
        await first.UntilAsync("2: 0 of 2");
        await second.UntilAsync("2: 1 of 2");
        End();

        Assert.Equal(new[] { 0, 0 }, new[] { await first.ExitCodeAsync(), await second.ExitCodeAsync() });
        Assert.Contains("This machine's processes are ended; its launcher tries to join again.", second.Errors, StringComparison.Ordinal);
        await NothingIsLeftAsync();
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Launch_FixedNumberAndHostIsKilled_WaitsForItToComeBack()
    {
        Repetitions.RequireAll();
        Host first = await StartFirstAsync("2", "--node-rank", "0"), second = Start("2", "--node-rank", "1");
        await first.UntilAsync("0: 0 of 2");
        second.Signal("KILL");
        Host back = Start("2", "--node-rank", "1");
        await back.UntilAsync("1: 1 of 2");
        End();

        Assert.Equal(new[] { 0, 0 }, new[] { await first.ExitCodeAsync(), await back.ExitCodeAsync() });
        await NothingIsLeftAsync();
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Launch_FixedNumberAndHostStaysAway_EndsNamingIt()
    {
        Repetitions.RequireAll();
        Host first = await StartFirstAsync("2", "--node-rank", "0", "--join-timeout", "6"), second = Start("2", "--node-rank", "1", "--join-timeout", "6");
        await first.UntilAsync("0: 0 of 2");
        second.Signal("KILL");

        Assert.Equal(1, await first.ExitCodeAsync());
        Assert.Contains($"convoy: error: not all machines came back within 6 s (missing: node 1, {Environment.MachineName}). Start a launcher on each, with the same address, port and number of machines.", first.Errors, StringComparison.Ordinal);
        await NothingIsLeftAsync();
    }

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData("KILL", "is gone (")]
    [InlineData("STOP", "it has not answered for 1.333 s")]
    public async Task Launch_NodeZeroIsLost_TheOthersEndAndSaySo(string signal, string reason)
    {
        Repetitions.RequireAllUnless(signal == "KILL");
        Host first = await StartFirstAsync("1:2");
        Host second = Start("1:2");
        await second.UntilAsync("0: 1 of 2");
        first.Signal(signal);

        Assert.Equal(1, await second.ExitCodeAsync());
        Assert.Contains($"convoy: error: the launcher of node 0 ({Environment.MachineName}) is lost: ", second.Errors, StringComparison.Ordinal);
        Assert.Contains(reason, second.Errors, StringComparison.Ordinal);
        first.Signal("KILL");
        await NothingIsLeftAsync();
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Launch_RankIsKilled_IsARestartOfAll()
    {
        Repetitions.RequireAll();
        Host first = await StartFirstAsync("1:2"), second = Start("1:2");
        await first.UntilAsync("0: 0 of 2");
        await second.UntilAsync("0: 1 of 2");
        Kill(Pids()[^1], "KILL");
        await first.UntilAsync("1: 0 of 2");
        await second.UntilAsync("1: 1 of 2");
        End();

        Assert.Equal(new[] { 0, 0 }, new[] { await first.ExitCodeAsync(), await second.ExitCodeAsync() });
        Assert.Matches(@"convoy: restart 1 of 3: rank [01] \(pid \d+\) on node [01] \(.+\) was ended by SIGKILL", first.Errors);
        await NothingIsLeftAsync();
    }

    public void Dispose()
    {
        _hosts.ForEach(host => host.Dispose());
        foreach (int left in Pids().Where(IsAlive))
        {
            Kill(left, "KILL");
        }

        _folder.Delete(recursive: true);
    }

    // The first that serves the store is node 0.
    private async Task<Host> StartFirstAsync(string nodes, params string[] more)
    {
        Host host = Start(nodes, more);
        await host.ServesAsync(_port);
        return host;
    }

    private Host Start(string nodes, params string[] more)
    {
        string[] options = ["--nnodes", nodes, "--nproc", "1", "--no-prefix", "--master-port", _port.ToString(CultureInfo.InvariantCulture), "--max-restarts", "3", "--last-call", "1.5", "--node-timeout", "2", .. more];
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "convoy.dll"), "launch", .. options, "--", "/bin/sh", "-c", Work]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["CONVOY_JOB_SECRET"] = "known only to these tests";
        start.Environment["FOLDER"] = _folder.FullName;
        var host = new Host(Process.Start(start)!);
        _hosts.Add(host);
        return host;
    }

    private void End() => File.WriteAllText(Path.Combine(_folder.FullName, "done"), "");

    private int[] Pids() => File.Exists(Path.Combine(_folder.FullName, "pids")) ? [.. File.ReadAllLines(Path.Combine(_folder.FullName, "pids")).Select(line => int.Parse(line, CultureInfo.InvariantCulture))] : [];

    // A killed launcher's guard ends its workers a moment later.
    private async Task NothingIsLeftAsync()
    {
        long began = Stopwatch.GetTimestamp();
        while (Pids().Any(IsAlive))
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(30), "workers are left");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    // Not one that has ended and is only not collected yet.
    private static bool IsAlive(int processId)
    {
        try
        {
            return !File.ReadAllText($"/proc/{processId}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static void Kill(int processId, string signal)
    {
        using var kill = Process.Start("/bin/kill", ["-" + signal, processId.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>A launcher.</summary>
    private sealed class Host : IDisposable
    {
        private readonly Process _process;
        private readonly List<string> _output = [], _errors = [];

        public Host(Process process)
        {
            _process = process;
            process.OutputDataReceived += (_, line) => Add(_output, line.Data);
            process.ErrorDataReceived += (_, line) => Add(_errors, line.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        public string Errors
        {
            get
            {
                lock (_errors)
                {
                    return string.Join('\n', _errors);
                }
            }
        }

        public void Signal(string signal) => Kill(_process.Id, signal);

        public Task UntilAsync(params string[] oneOf) => UntilAsync(() => Has(_output, oneOf), string.Join(" or ", oneOf));

        public Task UntilErrorAsync(params string[] oneOf) => UntilAsync(() => Has(_errors, oneOf), string.Join(" or ", oneOf));

        public Task ServesAsync(int port) => UntilAsync(
            () =>
            {
                try
                {
                    using var client = new TcpClient("127.0.0.1", port);
                    return true;
                }
                catch (SocketException)
                {
                    return false;
                }
            },
            "the store");

        public async Task<int> ExitCodeAsync()
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            limit.CancelAfter(TimeSpan.FromSeconds(60));
            await _process.WaitForExitAsync(limit.Token);
            return _process.ExitCode;
        }

        public void Dispose()
        {
            if (!_process.HasExited)
            {
                _process.Kill();
                _process.WaitForExit();
            }

            _process.Dispose();
        }

        private static void Add(List<string> lines, string? line)
        {
            lock (lines)
            {
                lines.Add(line ?? "");
            }
        }

        private static bool Has(List<string> lines, string[] oneOf)
        {
            lock (lines)
            {
                return lines.Intersect(oneOf).Any();
            }
        }

        private async Task UntilAsync(Func<bool> come, string what)
        {
            long began = Stopwatch.GetTimestamp();
            while (!come())
            {
                Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(60), $"'{what}' did not come:\n{string.Join('\n', _output)}\n{Errors}");
                await Task.Delay(20, TestContext.Current.CancellationToken);
            }
        }
    }
}
