using System.Text.Json;
using Convoy.Distributed.Launch;
using Convoy.Tests;

namespace Convoy.Distributed.ParallelTests;

/// <summary>Launchers as on several machines, met on this machine's loopback: their ranks make one group, by MPICH without its own launcher.</summary>
[Trait("Subject", "Processes")]
[Trait("Repeats", "more")]
public sealed class SeveralLaunchersTests
{
    private readonly int _port = FreePorts.Pair();
    private readonly Lock _lock = new();
    private readonly List<WorkerOutputLine> _lines = [];

    public SeveralLaunchersTests() => RequiredParts.Mpich();

    [Theory]
    [InlineData(2, 2)]
    [InlineData(3, 1)]
    [InlineData(1, 1, 2)]
    public async Task Training_OnRanksOfSeveralLaunchers_EqualsOneProcess(params int[] ranksPerHost)
    {
        JsonElement one = JsonDocument.Parse((await WorkerProcesses.RunSharedAndRequireSuccessAsync("TrainConvolutions", 1))[0]).RootElement;

        LaunchResult[] results = await RunAsync(ranksPerHost, _ => ["TrainConvolutions"]);

        Assert.All(results, result => Assert.True(result.ExitCode == 0, $"{result}"));
        JsonElement several = JsonDocument.Parse(_lines.First(line => line.Rank == 0 && line.Text.StartsWith('{')).Text).RootElement;
        foreach (string name in (string[])["losses", "gradients", "weights", "evaluated"])
        {
            double[] expected = Values(one, name), found = Values(several, name);
            Assert.NotEmpty(expected);
            Assert.Equal(expected.Length, found.Length);
            Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, name is "losses" or "gradients" ? 1e-12 : 1e-9));
        }
    }

    [Fact]
    public async Task Joining_RankThatDoesNotJoin_IsNamed()
    {
        LaunchResult[] results = await RunAsync([2, 2], node => [node == 0 ? "LatePeer" : "Absent", "4"]);

        Assert.All(results, result => Assert.Equal(1, result.ExitCode));

        // Of the two that wait, the first to say so may be the last, as its launcher ends the other.
        Assert.Contains(_lines, line => line.Rank is 0 or 1 && line.Text.Contains("ranks 2, 3 did not join the process group within ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Restart_AfterARankWasKilled_MakesANewGroup()
    {
        LaunchResult[] results = await RunAsync([1, 2], _ => ["FailOnce"], options => options with { MaxRestarts = 1 });

        Assert.All(results, result => Assert.True(result.ExitCode == 0, $"{result}"));
        Assert.All(results, result => Assert.Equal(1, result.Restarts));
        Assert.Equal(["rank 0 of 3 is done", "rank 1 of 3 is done", "rank 2 of 3 is done"], _lines.Select(line => line.Text).Where(text => text.EndsWith(" is done", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    private static double[] Values(JsonElement run, string name) => [.. run.GetProperty(name).EnumerateArray().Select(value => value.GetDouble())];

    private Task<LaunchResult[]> RunAsync(int[] ranksPerHost, Func<int, string[]> arguments, Func<LauncherOptions, LauncherOptions>? change = null) =>
        Task.WhenAll(ranksPerHost.Select((count, node) =>
        {
            var options = new LauncherOptions
            {
                Program = new LaunchProgram(WorkerProcesses.Dotnet, ["exec", WorkerProcesses.Worker, .. arguments(node)]),
                ProcessCount = count,
                NodeCount = ranksPerHost.Length,
                NodeRank = node,
                MasterPort = _port,
                JobSecret = "known here only",
                JoinTimeoutSeconds = 30,
                ThreadsPerProcess = 1,
                OnOutput = Note,
            };
            return new Launcher(change?.Invoke(options) ?? options).RunAsync(TestContext.Current.CancellationToken);
        }));

    private void Note(WorkerOutputLine line)
    {
        lock (_lock)
        {
            _lines.Add(line);
        }
    }
}
