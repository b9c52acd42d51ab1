using System.Globalization;

namespace Convoy.Distributed.ParallelTests;

/// <summary>Whatever happens to one of three ranks, wherever: all end by themselves, saying which rank it was and what happened to it, and leave nothing behind.</summary>
[Trait("Subject", "Processes")]
public class FailureMatrixTests
{
    private const string Limit = "8";

    // Process numbers are known only afterwards: {0} stands for that of rank 2.
    private static readonly Dictionary<string, string[]> Expected = new(StringComparer.Ordinal)
    {
        ["kill"] = ["rank 2 (process {0}) has ended"],
        ["stop"] = [$"rank 2 did not arrive within {Limit} s"],
        ["throw"] = ["rank 2 (process {0}) has left the group"],
        ["absent"] = [$"rank 2 did not arrive within {Limit} s"],
        ["mismatch"] = ["rank 2 called "],
    };

    [Fact]
    public async Task Joining_RankFails_OthersNameIt() =>
        await Task.WhenAll(new[] { "kill", "stop", "throw", "absent" }.Select(cause => RequireAsync("joining", cause, [$"rank 2 did not join the process group within {Limit} s"])));

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData("collective")]
    [InlineData("backward")]
    [InlineData("backward", "loss.backward")]
    [InlineData("syncbatchnorm")]
    public async Task Operation_RankFails_OthersNameItAndTheCause(string place, params string[] pass)
    {
        Repetitions.RequireAllUnless(pass.Length > 0 || place != "backward");
        await Task.WhenAll(Expected.Select(entry => RequireAsync(place, entry.Key, entry.Value, pass)));
    }

    private static async Task RequireAsync(string place, string cause, string[] expected, params string[] pass)
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("FailingRank", 3, [place, cause, Limit, .. pass]);
        string all = string.Join(Environment.NewLine, results.Select(result => $"{place}, {cause}, rank {result.Rank}: exit code {result.ExitCode}: {result.Errors}"));
        foreach (WorkerResult survivor in results.Take(2))
        {
            Assert.True(survivor.ExitCode == 1, all);
            foreach (string text in expected)
            {
                string wanted = string.Format(CultureInfo.InvariantCulture, text, results[2].ProcessId);
                Assert.True(survivor.Errors.Contains(wanted, StringComparison.Ordinal), $"no '{wanted}' on rank {survivor.Rank}: {all}");
            }
        }

        Assert.True(cause == "kill" ? results[2].ExitCode > 1 : results[2].ExitCode == 1, all);
        Assert.True(cause != "throw" || results[2].Errors.Contains("bad data", StringComparison.Ordinal), all);
        // Who waited says how the rank can be brought to life.
        Assert.True(cause != "stop" || place == "joining" || results.Take(2).Any(result => result.Errors.Contains($"kill -CONT {results[2].ProcessId}", StringComparison.Ordinal)), all);
    }
}
