using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Convoy.Hosts.Tests;

/// <summary>What goes wrong between hosts while they train: it passes and the weights are right, or all ranks end, say who is missing, and leave nothing.</summary>
[Trait("Repeats", "more")]
public sealed class TroubleTests
{
    // How long ranks wait for each other where that is to happen, and how long everything may take to be over then: launchers take their own time to give up a host.
    private static readonly TimeSpan ShortTimeout = TimeSpan.FromSeconds(6), Limit = TimeSpan.FromSeconds(90);

    private static readonly TimeSpan LongTimeout = TimeSpan.FromSeconds(80);

    public TroubleTests() => Repetitions.RequireAll();

    [Theory]
    [InlineData(MpiLibrary.OpenMpi)]
    [InlineData(MpiLibrary.Mpich)]
    public async Task Training_ACableIsCutForAWhile_GoesOnAndHasTheWeightsOfOneProcess(MpiLibrary library)
    {
        RequiredParts.Mpi(library);
        using Cluster cluster = Cluster.Start(2);
        await using Training training = await Training.StartAsync(cluster, library, updates: 200, LongTimeout);

        cluster.Hosts[1].Connect(connected: false);
        // UCX and the store would give up a connection that is silent for so long, if they were let.
        await Task.Delay(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        cluster.Hosts[1].Connect(connected: true);

        CommandResult result = await training.EndAsync(Limit);
        Assert.True(result.ExitCode == 0, $"{result}");
        Assert.Equal(2, result.Output.Split('\n').Count(line => line.EndsWith("has the weights of one process", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(MpiLibrary.OpenMpi)]
    [InlineData(MpiLibrary.Mpich)]
    public async Task Training_OneOfTwentyPacketsIsLost_HasTheWeightsOfOneProcess(MpiLibrary library)
    {
        RequiredParts.Mpi(library);
        using Cluster cluster = Cluster.Start(2);
        foreach (Host host in cluster.Hosts)
        {
            host.LosePackets(5);
        }

        await using Training training = await Training.StartAsync(cluster, library, updates: Repetitions.Of(50, 500), LongTimeout);

        CommandResult result = await training.EndAsync(Limit);
        Assert.True(result.ExitCode == 0, $"{result}");
        Assert.Equal(2, result.Output.Split('\n').Count(line => line.EndsWith("has the weights of one process", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(MpiLibrary.OpenMpi, "cable")]
    [InlineData(MpiLibrary.Mpich, "cable")]
    [InlineData(MpiLibrary.OpenMpi, "stopped")]
    [InlineData(MpiLibrary.Mpich, "stopped")]
    public async Task Training_AHostIsCutOffOrARankStops_EndsAllRanksAndNamesTheMissingOne(MpiLibrary library, string trouble)
    {
        RequiredParts.Mpi(library);
        using Cluster cluster = Cluster.Start(2);
        await using Training training = await Training.StartAsync(cluster, library, updates: 100_000, ShortTimeout);
        if (trouble == "cable")
        {
            cluster.Hosts[1].Connect(connected: false);
        }
        else
        {
            cluster.Hosts[1].Require("kill", "-STOP", training.ProcessOf(1));
        }

        await training.RequireErrorAsync("rank 1 did not arrive within 6 s", Limit);
        Training.RequireEnd(cluster.Hosts[0], Limit);
        if (trouble == "cable")
        {
            // MPI's own launchers wait for the host that they cannot reach; its rank ends by itself.
            Training.RequireEnd(cluster.Hosts[1], Limit);
        }
        else
        {
            if (library == MpiLibrary.Mpich)
            {
                // Open MPI's launcher kills the stopped rank. MPICH's sends it SIGTERM, which it takes when it goes on.
                cluster.Hosts[1].Require("kill", "-CONT", training.ProcessOf(1));
            }

            CommandResult result = await training.EndAsync(Limit);
            Assert.NotEqual(0, result.ExitCode);
            Training.RequireEnd(cluster.Hosts[1], Limit);
        }
    }

    [Theory]
    [InlineData(MpiLibrary.OpenMpi)]
    [InlineData(MpiLibrary.Mpich)]
    public async Task Training_AHostLosesItsPower_EndsAllOtherRanks(MpiLibrary library)
    {
        RequiredParts.Mpi(library);
        using Cluster cluster = Cluster.Start(2);
        await using Training training = await Training.StartAsync(cluster, library, updates: 100_000, ShortTimeout);

        cluster.Hosts[1].PowerOff();

        // Either rank 0 misses rank 1, or the launcher has missed the host before and ended rank 0.
        Training.RequireEnd(cluster.Hosts[0], Limit);
        Assert.DoesNotContain("has the weights", training.Output, StringComparison.Ordinal);
    }

    /// <summary>Two ranks, one a host, that have begun to train.</summary>
    private sealed class Training : IAsyncDisposable
    {
        private readonly Process _launcher;
        private readonly ConcurrentQueue<string> _output = new(), _errors = new();
        private readonly Task _reading;

        private Training(Process launcher)
        {
            _launcher = launcher;
            launcher.StandardInput.Close();
            _reading = Task.WhenAll(ReadAsync(launcher.StandardOutput, _output), ReadAsync(launcher.StandardError, _errors));
        }

        public string Output => string.Join('\n', _output);

        public static async Task<Training> StartAsync(Cluster cluster, MpiLibrary library, int updates, TimeSpan timeout)
        {
            string[] scenario = DotnetPrograms.Worker("TrainThroughTrouble", updates.ToString(CultureInfo.InvariantCulture), timeout.TotalSeconds.ToString(CultureInfo.InvariantCulture));
            var training = new Training(cluster.FrontEnd.Start([], MpiLauncher.Command(library, cluster.Hosts, [1], DotnetPrograms.Variables, scenario)));
            await training.UntilAsync(() => training._output.Count(line => line.Contains("trains as process", StringComparison.Ordinal)) == 2, "the ranks did not begin", Limit);
            return training;
        }

        /// <summary>The number of a rank's process on its host.</summary>
        public string ProcessOf(int rank) => _output.Single(line => line.StartsWith($"rank {rank} trains", StringComparison.Ordinal)).Split(' ')[^1];

        /// <summary>Waits for a line on standard error.</summary>
        public Task RequireErrorAsync(string part, TimeSpan time) => UntilAsync(() => _errors.Any(line => line.Contains(part, StringComparison.Ordinal)), $"nobody said '{part}'", time);

        /// <summary>Waits for the launcher's end.</summary>
        public async Task<CommandResult> EndAsync(TimeSpan time)
        {
            await UntilAsync(() => _launcher.HasExited && _reading.IsCompleted, "the launcher did not end", time);
            return new CommandResult(_launcher.ExitCode, Output, string.Join('\n', _errors));
        }

        /// <summary>Waits until no rank is left on a host, and nothing in its shared memory.</summary>
        public static void RequireEnd(Host host, TimeSpan time)
        {
            const string Left = """
                end=$(($(date +%s) + $1))
                while left=$(ps -e -o args= | grep '[T]rainThroughTrouble'; ls /dev/shm) && [ -n "$left" ]; do
                    [ "$(date +%s)" -lt "$end" ] || { echo "$left"; exit 1; }
                    sleep 0.2
                done
                """;
            CommandResult result = host.RunAsync(time + TimeSpan.FromSeconds(20), "sh", "-c", Left, "sh", time.TotalSeconds.ToString("0", CultureInfo.InvariantCulture)).GetAwaiter().GetResult();
            Assert.True(result.ExitCode == 0, $"{host.Name} still has: {result}");
        }

        public async ValueTask DisposeAsync()
        {
            _launcher.Kill(entireProcessTree: true);
            await _launcher.WaitForExitAsync();
            _launcher.Dispose();
        }

        private static async Task ReadAsync(StreamReader stream, ConcurrentQueue<string> lines)
        {
            while (await stream.ReadLineAsync() is { } line)
            {
                lines.Enqueue(line);
            }
        }

        private async Task UntilAsync(Func<bool> condition, string otherwise, TimeSpan time)
        {
            long start = Stopwatch.GetTimestamp();
            while (!condition())
            {
                Assert.True(Stopwatch.GetElapsedTime(start) < time, $"{otherwise} within {time.TotalSeconds:0} s: {Output}\n{string.Join('\n', _errors)}");
                await Task.Delay(50);
            }
        }
    }
}
