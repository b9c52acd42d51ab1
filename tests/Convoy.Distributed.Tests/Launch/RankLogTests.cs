using System.Globalization;
using Convoy.Distributed.Launch;

namespace Convoy.Distributed.Tests.Launch;

public sealed class RankLogTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("convoy-logs-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task RunAsync_LogDirectoryOfEarlierRuns_KeepsTheirLogsApart()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The workers are /bin/sh scripts.");
        File.WriteAllText(Path.Combine(_directory, "rank-notes.log"), "mine");
        File.WriteAllText(Path.Combine(_directory, "flight-recorder-rank-1.json"), "{}");
        var aside = new List<string>();
        await RunAsync(2, "echo first $RANK", aside);
        await RunAsync(1, "echo second $RANK", aside);
        await RunAsync(1, "echo third $RANK", aside);

        Assert.Equal("third 0\n", File.ReadAllText(Path.Combine(_directory, "rank-0.log")));
        Assert.True(File.Exists(Earlier(1, "flight-recorder-rank-1.json")));
        Assert.Equal("first 0\n", File.ReadAllText(Earlier(2, "rank-0.log")));
        Assert.Equal("first 1\n", File.ReadAllText(Earlier(2, "rank-1.log")));
        Assert.Equal("second 0\n", File.ReadAllText(Earlier(3, "rank-0.log")));
        Assert.Equal("mine", File.ReadAllText(Path.Combine(_directory, "rank-notes.log")));
        Assert.Equal(["earlier-1", "earlier-2", "earlier-3"], aside.Select(folder => Path.GetRelativePath(_directory, folder)));
    }

    [Fact]
    public void SetAside_RanksOfThisMachine_LeavesTheOthersAlone()
    {
        foreach (string name in (string[])["rank-0.log", "rank-1.log", "rank-12.log"])
        {
            File.WriteAllText(Path.Combine(_directory, name), name);
        }

        string? earlier = RankLog.SetAside(_directory, [1, 2]);

        Assert.Equal(Path.Combine(_directory, "earlier-1"), earlier);
        Assert.Equal("rank-1.log", File.ReadAllText(Path.Combine(earlier!, "rank-1.log")));
        Assert.Equal(["rank-0.log", "rank-12.log"], Directory.GetFiles(_directory).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Null(RankLog.SetAside(_directory, [1, 2]));
        Assert.Null(RankLog.SetAside(Path.Combine(_directory, "absent"), null));
    }

    private string Earlier(int run, string file) => Path.Combine(_directory, $"earlier-{run.ToString(CultureInfo.InvariantCulture)}", file);

    private Task<LaunchResult> RunAsync(int processes, string script, List<string> aside) => new Launcher(new LauncherOptions
    {
        Program = new LaunchProgram("/bin/sh", ["-c", script]),
        ProcessCount = processes,
        LogDirectory = _directory,
        OnLogsSetAside = aside.Add,
    }).RunAsync(TestContext.Current.CancellationToken);
}
