using System.Text.Json;
using Convoy.Analysis.Reading;
using Convoy.Analysis.Rendering;
using Convoy.Analysis.Reports;
using Convoy.Metrics;

namespace Convoy.Analysis.Tests.Reading;

/// <summary>Runs of programs that wrote no steps: the time of a whole run is A / N + B where the work is shared, and A + B N where every process does the same.</summary>
public sealed class WholeProgramTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Report_OfSharedWork_FindsTheSerialPart()
    {
        Report report = Of(RunWork.Fixed, n => (6.0 / n) + 2, 1, 2, 4);

        Assert.Equal([1, 8 / 5.0, 8 / 3.5], report.Series.Single().Series.Points.Select(p => Math.Round(p.Speedup, 12)), (one, other) => Math.Abs(one - other) < 1e-9);
        var amdahl = report.Series.Single().Models.Assessments.Single(a => a.Fit.Model.Name == "amdahl").Fit.Parameters;
        Assert.Equal(2, amdahl["serial_fraction"] * amdahl["single_process_seconds"], 1e-6);
        Assert.Equal("serial_part", report.Conclusions[0].Kind);
        Assert.StartsWith("By the model, 2.000 s of each run do not become faster with more processes, 25.0 % of what one process takes", report.Conclusions[0].Explanation, StringComparison.Ordinal);
        Assert.Contains(report.Warnings, warning => warning.Contains("starting the program is inside", StringComparison.Ordinal));
        Assert.Equal("convoy launch --nproc 4 --threads 1 -- sh job.sh", report.Recommendation.Command);
        Assert.Equal(("run", "strong"), (Json(report).GetProperty("time_basis").GetString(), Json(report).GetProperty("scaling").GetString()));
    }

    [Fact]
    public void Report_OfWorkInEveryProcess_ComparesTheSameAmountOfWork()
    {
        Report report = Of(RunWork.PerProcess, n => 3 + (0.5 * n), 1, 2, 4);

        Assert.Equal([1, 2 * 3.5 / 4, 4 * 3.5 / 5], report.Series.Single().Series.Points.Select(p => p.Speedup), (one, other) => Math.Abs(one - other) < 1e-9);
        Assert.Equal(4, report.Recommendation.Configuration.Processes);
        Assert.Equal("weak", Json(report).GetProperty("scaling").GetString());
        Assert.Contains("against 1 process, for the same amount of work (it grows with the processes).", MarkdownReportRenderer.Text(report), StringComparison.Ordinal);
        Assert.Equal([JsonValueKind.Null, JsonValueKind.Null, JsonValueKind.Null], Json(report).GetProperty("configurations").EnumerateArray().Select(c => c.GetProperty("batch_size").ValueKind));
    }

    [Fact]
    public void Report_OfWorkThatNobodyTold_HasTimesAndNoSpeedUps()
    {
        Report report = Of(null, n => (6.0 / n) + 2, 1, 2);
        JsonElement json = Json(report);

        Assert.Equal("unknown", json.GetProperty("scaling").GetString());
        Assert.Equal([8, 5], json.GetProperty("configurations").EnumerateArray().Select(c => c.GetProperty("seconds").GetDouble()));
        Assert.All(json.GetProperty("configurations").EnumerateArray(), c => Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (c.GetProperty("speedup").ValueKind, c.GetProperty("efficiency").ValueKind)));
        Assert.Null(report.Recommendation.Command);
        Assert.Empty(report.Conclusions);
        Assert.Contains(report.Warnings, warning => warning.StartsWith("No speed-ups: nobody said whether", StringComparison.Ordinal));
        Assert.StartsWith("2 processes x 1 thread take the least time, 5.000 s a run.", Assert.Single(report.Summary), StringComparison.Ordinal);
        string html = Html(report), text = MarkdownReportRenderer.Text(report);
        Assert.DoesNotContain("fastest", text, StringComparison.Ordinal);
        Assert.DoesNotContain(">speed-up<", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Report_OfOneNumberOfProcesses_NeedsNobodyToSay()
    {
        Report report = Of(null, _ => 2, 2);

        Assert.True(report.Runs.HasComparableWork);
        Assert.DoesNotContain(report.Warnings, warning => warning.StartsWith("No speed-ups: nobody", StringComparison.Ordinal));
    }

    [Fact]
    public void Read_RunsOfDifferentWork_AreRefused()
    {
        string one = Write(RunWork.Fixed, 1, 8), two = Write(RunWork.PerProcess, 2, 8);

        Assert.StartsWith("the runs are of different work (fixed work in ", Assert.Throws<AnalysisInputException>(() => RunReader.Read([one, two])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    public void Read_WallTimeThatIsNone_IsRefused(double seconds) =>
        Assert.StartsWith("wall_time must be", Assert.Throws<AnalysisInputException>(() => RunReader.Read([Write(RunWork.Fixed, 1, seconds)])).Message, StringComparison.Ordinal);

    [Fact]
    public void Read_OtherRanksLinesWithOnlyWhatIsNeeded_AreItsRanks()
    {
        StepMetrics[] steps = [.. Enumerable.Range(1, 4).Select(i => new StepMetrics { Timestamp = DateTimeOffset.UnixEpoch.AddSeconds(i), Rank = 0, Step = i, Loss = 1, BatchSize = 8, ElapsedTime = i, StepTime = 1, ForwardTime = 0.25, BackwardTime = 0.5 })];
        string folder = Path.Combine(_folder.Path, "run");
        Directory.CreateDirectory(folder);
        MetricsFile.Write(Path.Combine(folder, "metrics.json"), new RunMetrics { StartTime = default, EndTime = default, Config = new() { ["nproc"] = 2 }, Metrics = steps, WarmupSteps = 1, SampleNoun = "tokens" });
        File.WriteAllLines(Path.Combine(folder, "metrics_rank1.jsonl"), Enumerable.Range(1, 4).Select(i => $$"""{"step": {{i}}, "loss": 1, "batch_size": 8, "timestamp": {{i}}, "forward_time": 0.5, "backward_time": 0.5}"""));

        var runs = RunReader.Read([folder]);

        Assert.Equal([(0, 0.75), (1, 1)], runs.Runs[0].Ranks.Select(rank => (rank.Rank, rank.ComputeSeconds)));
        Assert.Equal("token", runs.SampleNoun);
    }

    private Report Of(RunWork? work, Func<int, double> seconds, params int[] processes) =>
        ReportBuilder.Build(RunReader.Read([.. processes.Select(n => Write(work, n, seconds(n)))]), new ReportOptions());

    private string Write(RunWork? work, int processes, double seconds)
    {
        string path = Path.Combine(_folder.Path, $"metrics_{processes}_cpus.json");
        MetricsFile.Write(path, new RunMetrics
        {
            StartTime = DateTimeOffset.UnixEpoch,
            EndTime = DateTimeOffset.UnixEpoch,
            Config = new() { ["nproc"] = processes, ["threads"] = 1 },
            Launch = new LaunchRecord
            {
                Command = ["convoy", "launch"],
                Settings = [new SettingRecord { Name = "nproc", Option = "--nproc", Arguments = ["--nproc", $"{processes}"] }, new SettingRecord { Name = "threads", Option = "--threads", Arguments = ["--threads", "1"] }],
                Program = ["sh", "job.sh"],
            },
            WallTime = seconds,
            Work = work,
            Metrics = [],
        });
        return path;
    }

    private static JsonElement Json(Report report)
    {
        using var stream = new MemoryStream();
        new JsonReportRenderer().Render(report, stream);
        return JsonDocument.Parse(stream.ToArray()).RootElement;
    }

    private static string Html(Report report)
    {
        using var stream = new MemoryStream();
        new Analysis.Rendering.Html.HtmlReportRenderer().Render(report, stream);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }
}
