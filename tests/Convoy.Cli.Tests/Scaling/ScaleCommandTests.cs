using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Convoy.Cli.Tests.Training;
using Convoy.Metrics;

namespace Convoy.Cli.Tests.Scaling;

/// <summary>A study as its user runs it: real processes, small images.</summary>
public sealed class ScaleCommandTests(StudyFixture fixture) : IClassFixture<StudyFixture>
{
    [Fact]
    public void Scale_ToTheEnd_LeavesRunsMetricsAndReport()
    {
        Assert.Equal(
            ["1x1-fp32-run1", "1x1-fp32-run2", "2x1-fp32-run1", "2x1-fp32-run2"],
            Directory.GetDirectories(Path.Combine(fixture.Study, "runs")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach (string file in (string[])["study.json", "metrics_1_cpus.json", "metrics_2_cpus.json", "report.html", "report.md", "report.json", "report.csv"])
        {
            Assert.True(File.Exists(Path.Combine(fixture.Study, file)), $"{file} is missing");
        }

        Assert.False(Directory.Exists(Path.Combine(fixture.Study, "unfinished")));
        Assert.Empty(Directory.GetFiles(fixture.Study, "*.safetensors", SearchOption.AllDirectories)); // 48 MB a run
    }

    [Fact]
    public void Scale_WithJson_PrintsTheReportAndNothingElse()
    {
        using JsonDocument printed = JsonDocument.Parse(fixture.Run.Output);

        Assert.True(JsonElement.DeepEquals(StudyFixture.Json(Path.Combine(fixture.Study, "report.json")), printed.RootElement));
        Assert.Equal([1, 2], printed.RootElement.GetProperty("configurations").EnumerateArray().Select(c => c.GetProperty("processes").GetInt32()).Order());
        Assert.Contains("run 4 of 4", fixture.Run.Error, StringComparison.Ordinal);
        Assert.Contains("Report: ", fixture.Run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Metrics_OfAConfiguration_HaveTheStudysFormAndItsWarmup(int processes)
    {
        JsonElement metrics = StudyFixture.Json(Path.Combine(fixture.Study, string.Create(CultureInfo.InvariantCulture, $"metrics_{processes}_cpus.json")));

        Assert.Equal(2, metrics.GetProperty("warmup_steps").GetInt32());
        Assert.Equal(processes, metrics.GetProperty("config").GetProperty("nproc").GetInt32());
        Assert.Equal(6, metrics.GetProperty("metrics").GetArrayLength());
        Assert.All(metrics.GetProperty("metrics").EnumerateArray(), step =>
        {
            foreach (string name in (string[])["timestamp", "rank", "step", "loss", "batch_size", "learning_rate", "elapsed_time"])
            {
                Assert.True(step.TryGetProperty(name, out _), name);
            }

            Assert.Equal(8, step.GetProperty("batch_size").GetInt32());
        });
    }

    [Fact]
    public void Metrics_OfAStudy_SayWhatTheMachineCanAndWhatASampleTakes()
    {
        JsonElement[] runs = [.. Directory.GetDirectories(Path.Combine(fixture.Study, "runs")).Select(run => StudyFixture.Json(Path.Combine(run, "metrics.json")))];
        JsonElement peaks = StudyFixture.Json(Path.Combine(fixture.Study, "peaks.json"));
        JsonElement report = StudyFixture.Json(Path.Combine(fixture.Study, "report.json"));

        Assert.Equal([("fp32", 1)], peaks.EnumerateArray().Select(p => (p.GetProperty("precision").GetString()!, p.GetProperty("threads").GetInt32())));
        Assert.All(runs, run => Assert.True(JsonElement.DeepEquals(peaks, run.GetProperty("host").GetProperty("matrix_peaks"))));

        // Every run counts the same layers, whatever its processes.
        Assert.Single(runs.Select(run => run.GetProperty("flops_per_sample").GetDouble()).Distinct());
        Assert.All(report.GetProperty("configurations").EnumerateArray(), c =>
        {
            double speed = c.GetProperty("gigaflops_per_second").GetDouble();
            Assert.Equal(runs[0].GetProperty("flops_per_sample").GetDouble() * c.GetProperty("images_per_second").GetDouble() / 1e9, speed, 1e-6 * speed);
            Assert.Equal(100 * speed / c.GetProperty("peak_gigaflops_per_second").GetDouble(), c.GetProperty("peak_share_percent").GetDouble(), 1e-6);
            Assert.InRange(c.GetProperty("peak_memory_bytes").GetInt64(), 10 << 20, long.MaxValue);
            Assert.InRange(c.GetProperty("cpu_seconds").GetDouble(), 1e-6, double.MaxValue);
        });
    }

    [Fact]
    public void Phases_OfEveryRankOfARun_AddUpToItsTime()
    {
        foreach (string log in Directory.GetFiles(Path.Combine(fixture.Study, "runs"), "metrics_rank*.jsonl", SearchOption.AllDirectories))
        {
            IReadOnlyList<StepMetrics> steps = StepMetricsLog.Read(log);
            double phases = steps.Sum(s => s.DataTime!.Value + s.ForwardTime!.Value + s.BackwardTime!.Value + s.CommTime!.Value + s.WaitTime!.Value + s.OptimizerTime!.Value);

            Assert.Equal(1, phases / steps.Sum(s => s.StepTime!.Value), 0.02);
        }
    }

    [Fact]
    public async Task Scale_TheSameStudyAgain_RunsOnlyWhatIsMissing()
    {
        string study = Copy("again");
        string kept = Path.Combine(study, "runs/1x1-fp32-run1/metrics.json"), gone = Path.Combine(study, "runs/2x1-fp32-run2");
        string before = File.ReadAllText(kept);
        Directory.Delete(gone, recursive: true);

        ProgramRun run = await ProgramRun.ConvoyAsync(fixture.Arguments(study));

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("Going on with 2 configurations", run.Output, StringComparison.Ordinal);
        Assert.Contains("run 4 of 4: 2 processes x 1 thread", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("run 3 of 4", run.Output, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(kept));
        Assert.True(File.Exists(Path.Combine(gone, "metrics.json")));
    }

    [Theory]
    [InlineData("steps is 5, not 4", "--steps", "5")]
    [InlineData("processes is 1,2,4, not 1,2", "--processes", "1,2,4")]
    [InlineData("lr is 0.1, not 0.0005", "--lr", "0.1")]
    [InlineData("image_size is 64x64, not 96x64", "--image-size", "64x64")]
    public async Task Scale_OtherSettingsIntoAStudy_AreRefusedAndTheStudyIsUntouched(string expected, params string[] more)
    {
        string[] before = TrainingFixture.Snapshot(fixture.Study);

        ProgramRun run = await ProgramRun.ConvoyAsync(fixture.Arguments(fixture.Study, more));

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("the study in that folder has other settings", run.Error, StringComparison.Ordinal);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Equal(before, TrainingFixture.Snapshot(fixture.Study));
    }

    [Theory]
    [InlineData("--processes must be numbers from 1 to 1024, separated by commas (got 0).", "--processes", "0")]
    [InlineData("--processes must be whole numbers, separated by commas (got two).", "--processes", "1,two")]
    [InlineData("--processes has the same value twice (2)", "--processes", "2,2")]
    [InlineData("unknown precision (int8)", "--precision", "int8")]
    [InlineData("--threads must be whole numbers or auto, separated by commas (got 0).", "--threads", "0")]
    [InlineData("--steps must be at least 1 and at most 1000000 (got 0).", "--steps", "0")]
    [InlineData("--repeats must be at least 1 and at most 1000 (got 0).", "--repeats", "0")]
    [InlineData("--minutes must be above 0 (got 0).", "--minutes", "0")]
    [InlineData("batch size 8, 9 processes", "--processes", "1,9", "--batch-size", "8")]
    [InlineData("too few training samples for one step (24 samples, batch size 32)", "--processes", "1,4", "--weak")]
    [InlineData("unknown option (--proceses)", "--proceses", "2")]
    public async Task Scale_BadInput_IsRefusedBeforeAnythingIsWritten(string expected, params string[] more)
    {
        ProgramRun run = await ProgramRun.ConvoyAsync(fixture.Arguments(fixture.At("never"), more));

        Assert.Equal(2, run.ExitCode);
        Assert.Matches(@"\Aconvoy: error: [^\n]+ \([^\n]*\)\.[^\n]*\n\z", run.Error);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.False(Path.Exists(fixture.At("never")));
    }

    [Fact]
    public async Task Scale_IntoAFolderOfSomethingElse_IsRefused()
    {
        ProgramRun run = await ProgramRun.ConvoyAsync(fixture.Arguments(fixture.Data));

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("the output folder is not empty", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scale_AConfigurationFails_TheOthersGoOnAndItIsNamed()
    {
        string study = fixture.At("failing");

        // No two ranks can meet in that time; one alone meets nobody.
        ProgramRun run = await ProgramRun.ConvoyAsync(fixture.Arguments(study, "--timeout", "0.00001", "--repeats", "1"));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("1 configuration failed (2 processes x 1 thread, fp32)", run.Error, StringComparison.Ordinal);
        Assert.Contains("run 1 of 2: 1 process x 1 thread", run.Output, StringComparison.Ordinal);
        Assert.Equal([1], StudyFixture.Json(Path.Combine(study, "report.json")).GetProperty("configurations").EnumerateArray().Select(c => c.GetProperty("processes").GetInt32()));
        Assert.True(File.Exists(Path.Combine(study, "failed/2x1-fp32/logs/rank-1.log")));
        Assert.False(File.Exists(Path.Combine(study, "metrics_2_cpus.json")));
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Scale_Minutes_EndRunsThatHaveMeasuredEnough()
    {
        Repetitions.RequireAll();
        string study = fixture.At("timed");

        ProgramRun run = await ProgramRun.ConvoyAsync(fixture.Arguments(study, "--minutes", "0.001", "--repeats", "1"));

        Assert.True(run.ExitCode == 0, run.Error);
        int steps = StudyFixture.Json(Path.Combine(study, "metrics_2_cpus.json")).GetProperty("metrics").GetArrayLength();
        Assert.InRange(steps, 5, 21); // two to warm up, three that count, and those until the processes have stopped
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Scale_Weak_GivesEveryProcessABatchOfItsOwn()
    {
        Repetitions.RequireAll();
        string study = fixture.At("weak");

        ProgramRun run = await ProgramRun.ConvoyAsync(fixture.Arguments(study, "--weak", "--batch-size", "2", "--repeats", "1", "--warmup", "1"));

        Assert.True(run.ExitCode == 0, run.Error);
        foreach (int processes in (int[])[1, 2])
        {
            JsonElement metrics = StudyFixture.Json(Path.Combine(study, string.Create(CultureInfo.InvariantCulture, $"metrics_{processes}_cpus.json")));
            Assert.Equal(2 * processes, metrics.GetProperty("metrics")[0].GetProperty("batch_size").GetInt32());
        }
    }

    [Fact]
    public async Task Scale_Interrupted_GoesOnWhereItStopped()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs POSIX signals and /proc.");
        string study = fixture.At("interrupted");
        string[] arguments = fixture.Arguments(study, "--repeats", "1");
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "convoy.dll"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["OMP_NUM_THREADS"] = "1";
        using Process convoy = Process.Start(start)!;
        string told;
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            while (!File.Exists(Path.Combine(study, "unfinished/2x1-fp32-run1/metrics_rank0.jsonl")))
            {
                Assert.False(convoy.HasExited, "the study ended early");
                await Task.Delay(20, limit.Token);
            }

            TrainingFixture.Signal(convoy.Id, "INT");
            told = await convoy.StandardOutput.ReadToEndAsync(limit.Token);
            await convoy.WaitForExitAsync(limit.Token);
        }
        finally
        {
            if (!convoy.HasExited)
            {
                convoy.Kill(entireProcessTree: true);
            }
        }

        Assert.Equal(130, convoy.ExitCode);
        Assert.Contains("Stopped: 1 of 2 runs are there.", told, StringComparison.Ordinal);
        Assert.Contains($"Go on with: convoy {string.Join(' ', arguments)}", told, StringComparison.Ordinal);
        Assert.Empty(TrainingFixture.Workers(Path.Combine(study, "unfinished/2x1-fp32-run1")));
        Assert.False(Directory.Exists(Path.Combine(study, "unfinished")));

        ProgramRun rest = await ProgramRun.ConvoyAsync(arguments);

        Assert.True(rest.ExitCode == 0, rest.Error);
        Assert.DoesNotContain("run 1 of 2", rest.Output, StringComparison.Ordinal);
        Assert.Contains("run 2 of 2", rest.Output, StringComparison.Ordinal);
    }

    private string Copy(string name)
    {
        foreach (string file in Directory.EnumerateFiles(fixture.Study, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(fixture.At(name), Path.GetRelativePath(fixture.Study, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        return fixture.At(name);
    }
}
