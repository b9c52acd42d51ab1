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

    [Theory]
    [InlineData(MpiLibrary.OpenMpi)]
    [InlineData(MpiLibrary.Mpich)]
    public async Task Training_ACableIsCutForAWhile_GoesOnAndHasTheWeightsOfOneProcess(MpiLibrary library)
    {
        RequiredParts.Mpi(library);
        using Cluster cluster = Cluster.Start(2);
        await using Training training = await Training.StartAsync(cluster, library, updates: 200, LongTimeout);

        cluster.Hosts[1].Connect(connected: false);
        await Task.Delay(TimeSpan.FromSeconds(Repetitions.Of(3, 30)), TestContext.Current.CancellationToken);
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
    [InlineData(MpiLibrary.OpenMpi, "power")]
    [InlineData(MpiLibrary.Mpich, "power")]
    [InlineData(MpiLibrary.OpenMpi, "stopped")]
    [InlineData(MpiLibrary.Mpich, "stopped")]
    public async Task Training_AHostIsGoneForGoodOrARankStops_EndsAndNamesTheRank(MpiLibrary library, string trouble)
    {
        RequiredParts.Mpi(library);
        using Cluster cluster = Cluster.Start(2);
        Host other = cluster.Hosts[1];
        await using Training training = await Training.StartAsync(cluster, library, updates: 100_000, ShortTimeout);
        long start = Stopwatch.GetTimestamp();
        switch (trouble)
        {
            case "cable":
                other.Connect(connected: false);
                break;
            case "power":
                other.PowerOff();
                break;
            default:
                other.Require("kill", "-STOP", training.ProcessOf(1));
                break;
        }

        CommandResult result = await training.EndAsync(Limit);
        TestContext.Current.SendDiagnosticMessage("{0}, {1}: over after {2:0.0} s with {3}", library, trouble, Stopwatch.GetElapsedTime(start).TotalSeconds, result);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("rank 1", result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("has the weights", result.Output, StringComparison.Ordinal);
        foreach (Host host in cluster.Hosts.Where(host => host.IsOn))
        {
            await training.RequireNothingLeftAsync(host);
        }
    }

    /// <summary>Two ranks, one a host, that have begun to train.</summary>
    private sealed class Training : IAsyncDisposable
    {
        private readonly Process _launcher;
        private readonly Task<string> _errors;
        private readonly List<string> _lines = [];

        private Training(Process launcher)
        {
            _launcher = launcher;
            _errors = launcher.StandardError.ReadToEndAsync();
        }

        public static async Task<Training> StartAsync(Cluster cluster, MpiLibrary library, int updates, TimeSpan timeout)
        {
            string[] scenario = DotnetPrograms.Worker("TrainThroughTrouble", updates.ToString(CultureInfo.InvariantCulture), timeout.TotalSeconds.ToString(CultureInfo.InvariantCulture));
            var training = new Training(cluster.FrontEnd.Start([], MpiLauncher.Command(library, cluster.Hosts, [1], DotnetPrograms.Variables, scenario)));
            training._launcher.StandardInput.Close();
            using var limit = new CancellationTokenSource(Limit);
            while (training._lines.Count(line => line.Contains("trains as process", StringComparison.Ordinal)) < 2)
            {
                string? line = await training._launcher.StandardOutput.ReadLineAsync(limit.Token);
                if (line is null)
                {
                    Assert.Fail($"it did not begin: {string.Join('\n', training._lines)}\n{await training._errors}");
                }

                training._lines.Add(line);
            }

            return training;
        }

        /// <summary>The number of a rank's process on its host.</summary>
        public string ProcessOf(int rank) => _lines.Single(line => line.StartsWith($"rank {rank} trains", StringComparison.Ordinal)).Split(' ')[^1];

        public async Task<CommandResult> EndAsync(TimeSpan time)
        {
            using var limit = new CancellationTokenSource(time);
            try
            {
                string rest = await _launcher.StandardOutput.ReadToEndAsync(limit.Token);
                await _launcher.WaitForExitAsync(limit.Token);
                return new CommandResult(_launcher.ExitCode, rest, await _errors.WaitAsync(limit.Token));
            }
            catch (OperationCanceledException)
            {
                _launcher.Kill(entireProcessTree: true);
                throw new TimeoutException($"it did not end within {time.TotalSeconds:0} s: {await _errors.WaitAsync(TimeSpan.FromSeconds(5))}");
            }
        }

        /// <summary>Ranks that the launcher cannot reach end by themselves, after their own wait.</summary>
        public async Task RequireNothingLeftAsync(Host host)
        {
            long start = Stopwatch.GetTimestamp();
            string left;
            do
            {
                await Task.Delay(200);
                left = string.Concat(host.Require("ps", "-e", "-o", "args=").Split('\n').Where(line => line.Contains("TrainThroughTrouble", StringComparison.Ordinal))) + string.Concat(host.Require("ls", "/dev/shm"));
            }
            while (left.Length > 0 && Stopwatch.GetElapsedTime(start) < Limit);

            Assert.True(left.Length == 0, $"{host.Name} still has: {left}");
        }

        public async ValueTask DisposeAsync()
        {
            _launcher.Kill(entireProcessTree: true);
            await _launcher.WaitForExitAsync();
            _launcher.Dispose();
        }
    }
}
