using System.Globalization;
using System.Runtime.InteropServices;
using Convoy.Distributed.Launch;
using Convoy.Tests;

namespace Convoy.Distributed.ParallelTests;

/// <summary>A run over launchers that leave and come while it trains: as on several machines, on this machine's loopback, with MPICH between the ranks.</summary>
[Trait("Subject", "Processes")]
[Trait("Repeats", "more")]
public sealed class ElasticHostsTests : IDisposable
{
    private const int Steps = 12, BatchSize = 8;

    private readonly string _root;
    private readonly int _port = FreePorts.Pair();
    private readonly Lock _lock = new();
    private readonly List<(int Host, string Text)> _lines = [];

    public ElasticHostsTests()
    {
        Repetitions.RequireAll();
        RequiredParts.Mpich();

        // Not before: what a skipped test has made nobody deletes.
        _root = Directory.CreateTempSubdirectory("convoy-elastic-hosts-").FullName;
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Training_HostLeavesAndAnotherComes_EndsAsTheUnbrokenRun()
    {
        string whole = Path.Combine(_root, "whole"), parts = Path.Combine(_root, "parts");
        Directory.CreateDirectory(whole);
        Directory.CreateDirectory(parts);
        string unbroken = (await WorkerProcesses.RunAndRequireSuccessAsync("ElasticTraining", 3, whole, "0", "0", "0"))[0];
        using var leave = new CancellationTokenSource();

        // Host 0 has two ranks, host 1 one, host 2, which comes when host 1 has left, two.
        Task<LaunchResult> first = Launch(0, 2, parts, TestContext.Current.CancellationToken), second = Launch(1, 1, parts, leave.Token);
        await UntilAsync("step: 2 ");
        await leave.CancelAsync();
        Assert.True((await second).Interrupted);
        await UntilAsync("step: 5 ");
        Task<LaunchResult> third = Launch(2, 2, parts, TestContext.Current.CancellationToken);
        LaunchResult[] ended = await Task.WhenAll(first, third);

        Assert.All(ended, result => Assert.Equal((0, 0), (result.ExitCode, result.Restarts)));
        Assert.Equal(4, ended[1].ExitCodes.Count + ended[0].ExitCodes.Count);

        // Nothing was lost, so that no step was taken twice; each has 8 samples, which the ranks of all hosts that were there shared.
        string[] steps = [.. Texts("step: ")];
        Assert.Equal(Enumerable.Range(1, Steps), steps.Select(step => int.Parse(step.Split(' ')[1], CultureInfo.InvariantCulture)));
        long[] samples = [.. Texts("samples: ").SelectMany(line => line.Split(' ')[1..]).Select(sample => long.Parse(sample, CultureInfo.InvariantCulture))];
        Assert.Equal(Steps * BatchSize, samples.Length);
        Assert.All(samples.CountBy(sample => sample), sample => Assert.True(sample.Value <= 2, $"sample {sample.Key} was seen {sample.Value} times in two epochs"));
        Assert.Contains(_lines, line => line.Host == 2 && line.Text.StartsWith("samples: ", StringComparison.Ordinal));
        Assert.Equal(Values(Lines(unbroken, "step: "), 3), Values(steps, 3));
        AssertNear(Weights(Lines(unbroken, "weights: ").Single()), Weights(Texts("weights: ").Last()), 1e-11);
    }

    private Task<LaunchResult> Launch(int host, int ranks, string folder, CancellationToken cancellation) => new Launcher(new LauncherOptions
    {
        Program = new LaunchProgram(WorkerProcesses.Dotnet, ["exec", WorkerProcesses.Worker, "ElasticTraining", folder, "0", "0", "400"]),
        ProcessCount = ranks,
        NodeCount = 3,
        MinNodeCount = 1,
        NodeRank = host,
        MasterPort = _port,
        JobSecret = "known here only",
        JoinTimeoutSeconds = 60,
        LastCallSeconds = 1,
        ThreadsPerProcess = 1,
        InterruptSignal = PosixSignal.SIGTERM,
        OnOutput = line =>
        {
            lock (_lock)
            {
                _lines.Add((host, line.Text));
            }
        },
    }).RunAsync(cancellation);

    private string[] Texts(string kind)
    {
        lock (_lock)
        {
            return [.. _lines.Where(line => line.Text.StartsWith(kind, StringComparison.Ordinal)).Select(line => line.Text.TrimEnd())];
        }
    }

    private async Task UntilAsync(string beginning)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (Texts(beginning).Length == 0)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(100), $"'{beginning}' did not come:\n{string.Join('\n', Texts(""))}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    private static IEnumerable<string> Lines(string output, string kind) => output.Split('\n').Where(line => line.StartsWith(kind, StringComparison.Ordinal)).Select(line => line.TrimEnd());

    private static double[] Values(IEnumerable<string> steps, int place) => [.. steps.Select(step => double.Parse(step.Split(' ')[place], CultureInfo.InvariantCulture))];

    private static double[] Weights(string line) => [.. line.Split(' ')[1..].Select(weight => double.Parse(weight, CultureInfo.InvariantCulture))];

    private static void AssertNear(double[] expected, double[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        double largest = expected.Zip(actual, (x, y) => Math.Abs(x - y)).Max();
        Assert.True(largest <= tolerance, $"they differ by {largest}");
    }
}
