using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Convoy.Cli.Commands;
using Convoy.Cli.Training;
using Convoy.Lanes.Training;
using Convoy.Metrics;
using Convoy.Training.Options;
using Convoy.Training.Runs;

namespace Convoy.Cli.Tests;

/// <summary><c>convoy report</c> as its users meet it.</summary>
public sealed class ReportCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("convoy-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Report_Json_IsTheDocumentThatItWrites()
    {
        string output = Path.Combine(_folder, "out");
        ProgramRun run = await ProgramRun.ConvoyAsync("report", Write("1,403.41\n2,253.93\n3,174.35\n4,168.99\n"), "--out", output, "--predict", "8,16", "--json");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(File.ReadAllText(Path.Combine(output, "report.json")).TrimEnd(), run.Output.TrimEnd());
        Assert.StartsWith("# Scaling report", File.ReadAllText(Path.Combine(output, "report.md")), StringComparison.Ordinal);
        using JsonDocument document = JsonDocument.Parse(run.Output);
        Assert.Equal(3, document.RootElement.GetProperty("recommendation").GetProperty("processes").GetInt32());
        Assert.Equal(2, document.RootElement.GetProperty("predictions").GetArrayLength());
    }

    [Fact]
    public async Task Report_ForPeople_PrintsTablesAndWritesNothing()
    {
        ProgramRun run = await ProgramRun.ConvoyAsync("report", Write("1,403.41\n2,253.93\n"));

        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        Assert.Contains("|         2 |       - | fp32      |  253.93 |", run.Output, StringComparison.Ordinal);
        Assert.Single(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public async Task Report_IntoTheStudysOwnFolder_WritesAllFilesAndReadsTheSameRunsAgain()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "study"));
        foreach ((int processes, double seconds) in new[] { (1, 1.0), (2, 0.6), (4, 0.4) })
        {
            string steps = string.Join(',', Enumerable.Range(1, 12).Select(i => FormattableString.Invariant($$"""{"rank":0,"step":{{i}},"loss":0.5,"batch_size":8,"elapsed_time":{{i * seconds}}}""")));
            File.WriteAllText(Path.Combine(_folder, "study", $"Metrics_{processes}_cpus.json"), $$"""{"metrics":[{{steps}}]}""");
        }

        string study = Path.Combine(_folder, "study");
        ProgramRun first = await ProgramRun.ConvoyAsync("report", study, "--out", study, "--predict", "8");
        Assert.True(File.Exists(Path.Combine(study, "plots", "prediction.svg")));
        ProgramRun second = await ProgramRun.ConvoyAsync("report", study, "--out", study);

        Assert.Equal((0, 0), (first.ExitCode, second.ExitCode));
        Assert.Contains($"report: {Path.Combine(study, "report.html")}", second.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(study, "plots", "prediction.svg")), "the plot of the earlier report's predictions is still there");
        Assert.All(
            new[] { "report.html", "report.md", "report.json", "report.csv", "plots/speedup.svg", "plots/speedup.png", "plots/loss.svg", "plots/step-time.png", "Metrics_1_cpus.json" },
            name => Assert.True(new FileInfo(Path.Combine(study, name)).Length > 100, name));
        Assert.Contains("](plots/speedup.svg)", File.ReadAllText(Path.Combine(study, "report.md")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Report_Recommendation_HasACommandLineThatTrainTakes()
    {
        foreach ((int processes, double seconds) in new[] { (1, 403.41), (2, 253.93), (3, 174.35), (4, 168.99) })
        {
            WriteRun(processes, seconds);
        }

        ProgramRun run = await ProgramRun.ConvoyAsync("report", _folder, "--json");
        using JsonDocument document = JsonDocument.Parse(run.Output);
        string[] words = document.RootElement.GetProperty("recommendation").GetProperty("command").GetString()!.Split(' ');

        Assert.Equal(["convoy", "train"], words[..2]);
        ParseResult parsed = TrainCommand.Create(new TaskChoice([])).Parse(words[2..]);
        Assert.Empty(parsed.Errors);
        Assert.Equal(("3", "12"), (parsed.GetValue<JsonNode>("--nproc")!.ToString(), parsed.GetValue<JsonNode>("--batch-size")!.ToString()));
    }

    [Fact]
    public async Task Report_OfATable_HasNoCommandLine()
    {
        ProgramRun run = await ProgramRun.ConvoyAsync("report", Write("1,403.41\n2,253.93\n"), "--json");
        using JsonDocument document = JsonDocument.Parse(run.Output);

        Assert.Equal(JsonValueKind.Null, document.RootElement.GetProperty("recommendation").GetProperty("command").ValueKind);
    }

    [Theory]
    [InlineData("1,-3\n", "", "a time must be a number above 0 (got '-3', ")]
    [InlineData("1,3\n", "--predict=x", "--predict must be whole numbers from 1, separated by commas (got x).")]
    [InlineData("1,3\n", "--latency-us=5", "--latency-us needs --link-gbps")]
    [InlineData("1,3\n", "--price=-1", "--price must be from 0 to 1e12 (got -1).")]
    [InlineData("1,3\n", "--predict=0", "--predict must be from 1 to 1000000 (got 0).")]
    [InlineData("1,3\n", "--gradient-mb=0", "--gradient-mb must be above 0 and at most 1e12 (got 0).")]
    [InlineData("1,3\n", "--epoch-images=0", "--epoch-images must be at least 1 (got 0).")]
    [InlineData("1,3\n", "--link-gbps=1", "--link-gbps needs --predict")]
    public async Task Report_BadInput_IsOneLineAndCode2(string csv, string option, string message)
    {
        ProgramRun run = await ProgramRun.ConvoyAsync(["report", Write(csv), .. option.Length > 0 ? [option] : Array.Empty<string>()]);

        Assert.Equal((2, string.Empty), (run.ExitCode, run.Output));
        Assert.StartsWith($"convoy: error: {message}", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
    }

    private void WriteRun(int processes, double seconds)
    {
        var run = new RunDirectory(Directory.CreateDirectory(Path.Combine(_folder, $"n{processes}")).FullName);
        var configuration = new RunConfiguration(new TrainingOptions { Nproc = processes, Threads = 1, BatchSize = 12 }, LaneOptions.Table.ToJson(new LaneOptions { Data = "/data" }));
        MetricsFile.Write(run.Metrics, new RunMetrics
        {
            StartTime = DateTimeOffset.UnixEpoch,
            EndTime = DateTimeOffset.UnixEpoch.AddSeconds(seconds),
            Config = configuration.ToJson(),
            Launch = RecordedLaunch.Create(configuration, LaneOptions.Table, new Dictionary<string, string>()),
            Metrics =
            [
                .. Enumerable.Range(1, 4).Select(step => new StepMetrics
                {
                    Timestamp = DateTimeOffset.UnixEpoch, Rank = 0, Step = step, Loss = 1, BatchSize = 12, LearningRate = 1, ElapsedTime = step, StepTime = seconds,
                }),
            ],
        });
    }

    private string Write(string csv)
    {
        string path = Path.Combine(_folder, "times.csv");
        File.WriteAllText(path, csv);
        return path;
    }
}
