using System.Globalization;
using System.Text;
using Convoy.Analysis.Reading;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Metrics;

namespace Convoy.Analysis.Tests.Reading;

public sealed class RunReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_OfARunDirectory_TakesStepsPhasesRanksAndSettings()
    {
        RunFolder("run", processes: 2, seconds: 0.5);

        RunSet runs = RunReader.Read([Path.Combine(_folder.Path, "run")]);

        Run run = Assert.Single(runs.Runs);
        Assert.Equal(new Configuration(2, 1, "fp32"), run.Configuration);
        Assert.Equal((TimeBasis.Step, 8, 2), (run.Basis, run.BatchSize, run.Ranks.Count));
        Assert.Equal(0.5, runs.Measurements[0].Seconds, 1e-9);
        Assert.Equal(16, runs.Measurements[0].SamplesPerSecond!.Value, 1e-6);
        Assert.Equal(0.5, runs.Measurements[0].Phases!.Total, 1e-9);
        Assert.Equal(0.1, runs.Measurements[0].Phases!.Forward, 1e-9);
        Assert.Equal(2, run.WarmUpSteps);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void Read_OfARunThatSaysItsWarmUp_LeavesThatOut(int warmUp)
    {
        RunFolder("run", processes: 2, seconds: 0.5);
        WarmUpIs(warmUp);

        Run run = Assert.Single(RunReader.Read([Path.Combine(_folder.Path, "run")]).Runs);

        Assert.Equal((warmUp, 20 - warmUp), (run.WarmUpSteps, run.Samples.Count));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(20)]
    public void Read_OfARunWhoseWarmUpLeavesNoSteps_IsRefused(int warmUp)
    {
        RunFolder("run", processes: 1, seconds: 0.5);
        WarmUpIs(warmUp);

        AnalysisInputException refusal = Assert.Throws<AnalysisInputException>(() => RunReader.Read([Path.Combine(_folder.Path, "run")]));

        Assert.Contains(FormattableString.Invariant($"no steps are left after the warm-up (warmup_steps {warmUp} of 20 steps"), refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OfARunThatWasResumedWithOtherProcesses_TellsItsPartsApart()
    {
        // 10 steps of 2 processes, then 10 of 1; the logs of both ranks and the last configuration stay.
        RunFolder("run", processes: 2, seconds: 0.5);
        string path = Path.Combine(_folder.Path, "run", "metrics.json");
        RunMetrics whole = MetricsFile.Read(path);
        StepMetrics[] steps = [.. whole.Metrics.Select(s => s.Step <= 10 ? s with { WorldSize = 2, Threads = 1 } : Scaled(s, 1.8) with { WorldSize = 1, Threads = 2 })];
        MetricsFile.Write(path, whole with { Config = new() { ["nproc"] = 1, ["threads"] = 2 }, Metrics = steps });

        RunSet runs = RunReader.Read([Path.Combine(_folder.Path, "run")]);

        Assert.Equal([new Configuration(2, 1), new Configuration(1, 2)], runs.Measurements.Select(m => m.Configuration));
        Assert.Equal([0.5, 0.9], runs.Measurements.Select(m => Math.Round(m.Seconds, 9)));
        Assert.Equal([2, 0], runs.Measurements.Select(m => m.Ranks.Count));
        Assert.Equal([("2", 8), ("1", 8)], runs.Runs.Select(r => (r.Settings["nproc"], r.Samples.Count)));
        Assert.Equal([$"{path}, steps 1 to 10", $"{path}, steps 11 to 20"], runs.Runs.Select(r => r.Source));
        Assert.Contains(runs.Warnings, w => w == $"The run was resumed with other settings, and its parts count as runs of their own: steps 1 to 10 with 2 processes x 1 thread, fp32; steps 11 to 20 with 1 process x 2 threads, fp32 ({path}).");
    }

    [Fact]
    public void Read_OfARunWhoseLaterStepsSayWhatTheConfigurationSays_IsOneRun()
    {
        RunFolder("run", processes: 2, seconds: 0.5);
        string path = Path.Combine(_folder.Path, "run", "metrics.json");
        RunMetrics whole = MetricsFile.Read(path);
        MetricsFile.Write(path, whole with { Metrics = [.. whole.Metrics.Select(s => s.Step <= 10 ? s : s with { WorldSize = 2, Threads = 1 })] });

        Run run = Assert.Single(RunReader.Read([path]).Runs);

        Assert.Equal((path, 18, 2), (run.Source, run.Samples.Count, run.Ranks.Count));
    }

    private static StepMetrics Scaled(StepMetrics step, double factor) => step with
    {
        StepTime = step.StepTime * factor,
        DataTime = step.DataTime * factor,
        ForwardTime = step.ForwardTime * factor,
        BackwardTime = step.BackwardTime * factor,
        CommTime = step.CommTime * factor,
        OptimizerTime = step.OptimizerTime * factor,
    };

    [Fact]
    public void Read_OfAStudyDirectory_TakesEachRunOnce()
    {
        RunFolder("study/runs/n1", processes: 1, seconds: 1);
        RunFolder("study/runs/n2", processes: 2, seconds: 0.6);
        _folder.Write("study/metrics_1_cpus.json", "not read, the whole runs are there");

        RunSet runs = RunReader.Read([Path.Combine(_folder.Path, "study")]);

        Assert.Equal([1, 2], runs.Measurements.Select(m => m.Configuration.Processes));
        Assert.Empty(runs.Warnings);
    }

    [Fact]
    public void Read_OfStepsWithAccumulation_AveragesEachUpdate()
    {
        // Every second step updates and takes twice as long: a median of steps would take one or the other.
        RunFolder("run", processes: 1, seconds: 1, steps: 20, accumulate: 2, updateFactor: 2);

        Assert.Equal(1.5, RunReader.Read([Path.Combine(_folder.Path, "run")]).Measurements[0].Seconds, 1e-9);
    }

    [Fact]
    public void Read_OfAnotherToolsSparseSteps_SharesOutTheTimeBetweenRecords()
    {
        _folder.Write("m/Metrics_1_cpus.json", Foreign(1, secondsAStep: 2));
        _folder.Write("m/Metrics_2_cpus.json", Foreign(2, secondsAStep: 1.25));

        RunSet runs = RunReader.Read([Path.Combine(_folder.Path, "m")]);

        Assert.Equal([2, 1.25], runs.Measurements.Select(m => Math.Round(m.Seconds, 9)));
        Assert.Equal((false, 8), (runs.IsWeakScaling, runs.Measurements[0].BatchSize));
        Assert.Equal(1.6, ReportBuilder.Build(runs, new ReportOptions()).Series[0].Series.Points[1].Speedup, 1e-9);
    }

    [Fact]
    public void Read_OfAnotherToolsFilesWhoseStepsFall_TakesTheBatchAsThatOfEachProcess()
    {
        _folder.Write("m/Metrics_1_cpus.json", Foreign(1, secondsAStep: 2, records: 16));
        _folder.Write("m/Metrics_2_cpus.json", Foreign(2, secondsAStep: 2.5, records: 8));

        RunSet runs = RunReader.Read([Path.Combine(_folder.Path, "m")]);

        Assert.True(runs.IsWeakScaling);
        Assert.Equal([8, 16], runs.Measurements.Select(m => m.BatchSize));
        Assert.Contains(runs.Warnings, w => w.Contains("batch_size 8 is taken as that of each process", StringComparison.Ordinal));
        Assert.Equal(1.6, ReportBuilder.Build(runs, new ReportOptions()).Series[0].Series.Points[1].Speedup, 1e-9);
    }

    [Fact]
    public void Read_OfAnotherToolsFileWithoutElapsedTimes_CountsTheWholeRun()
    {
        string path = _folder.Write("Metrics_4_gpus_fp16.json", """{"start_time":"2025-01-01T00:00:00","end_time":"2025-01-01T00:01:30","metrics":[{"step":1,"loss":NaN}]}""");

        RunSet runs = RunReader.Read([path]);

        Assert.Equal((new Configuration(4, null, "fp16"), TimeBasis.Run, 90), (runs.Runs[0].Configuration, runs.Basis, runs.Measurements[0].Seconds));
        Assert.Contains(runs.Warnings, w => w.StartsWith("The loss is not a number", StringComparison.Ordinal));
    }

    [Fact]
    public void Read_OfACsvWithRepeats_TakesTheirMedian()
    {
        RunSet runs = RunReader.Read([_folder.Write("t.csv", "1,10,FP32\n1,12,fp32\n1,11,fp32\n2,6,fp32\n\n# a remark\n")]);

        Assert.Equal([11, 6], runs.Measurements.Select(m => m.Seconds));
        Assert.NotNull(runs.Measurements[0].Interval);
        Assert.Null(runs.Measurements[1].Interval);
    }

    [Theory]
    [InlineData("t.csv", "", "the table is empty")]
    [InlineData("t.csv", "processes,seconds\n", "the table is empty")]
    [InlineData("t.csv", "1,10\n2,-5\n", "a time must be a number above 0 (got '-5', ", "line 2")]
    [InlineData("t.csv", "1,10\n2,nan\n", "a time must be a number above 0 (got 'nan', ", "line 2")]
    [InlineData("t.csv", "1,10\n0,5\n", "a number of processes must be a whole number from 1 to 1000000 (got '0', ", "line 2")]
    [InlineData("t.csv", "1,10\n2\n", "not a line of processes,seconds[,precision]", "line 2")]
    [InlineData("Metrics_2_cpus.json", "", "the file is empty")]
    [InlineData("Metrics_2_cpus.json", "{\"metrics\":[\n{\"step\":1,", "the file is not whole JSON", "line 2")]
    [InlineData("Metrics_2_cpus.json", "[]", "it has no list \"metrics\"")]
    [InlineData("Metrics_2_cpus.json", """{"metrics":[]}""", "the file has no times")]
    [InlineData("Metrics_2_cpus.json", """{"metrics":[{"step":1,"elapsed_time":-3}]}""", "elapsed_time must be from 0 to 1e10 seconds (got -3, ", "record 1")]
    [InlineData("Metrics_2_cpus.json", """{"metrics":[{"step":1,"elapsed_time":3},{"step":2,"elapsed_time":2}]}""", "elapsed_time does not grow (3 then 2, step 2")]
    [InlineData("Metrics_2_cpus.json", """{"start_time":"2025-01-02","end_time":"2025-01-01","metrics":[]}""", "end_time is not after start_time")]
    [InlineData("Metrics_2_cpus.json", """{"metrics":[{"step":1,"elapsed_time":"soon"}]}""", "\"elapsed_time\" is not a number")]
    [InlineData("other.json", """{"metrics":[]}""", "does not say how many processes")]
    [InlineData("metrics.json", """{"schema":1,"start_time":"2025-01-01","end_time":"2025-01-01","metrics":[]}""", "the run has no steps")]
    [InlineData("metrics.json", """{"schema":9,"metrics":[]}""", "a metrics file cannot be read")]
    [InlineData("notes.txt", "1,10", "not a file that can be analysed")]
    public void Read_OfBrokenInput_IsRefusedWithItsPlace(string name, string content, params string[] parts)
    {
        string path = _folder.Write(name, content);

        var error = Assert.Throws<AnalysisInputException>(() => RunReader.Read([path]));

        Assert.All([path, .. parts], p => Assert.Contains(p, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Read_OfNegativeStepTimes_IsRefusedWithFileAndLine()
    {
        RunFolder("run", processes: 2, seconds: 0.5);
        string log = Path.Combine(_folder.Path, "run", "metrics_rank1.jsonl");
        string[] lines = File.ReadAllLines(log);
        lines[2] = lines[2].Replace("\"comm_time\":0.05", "\"comm_time\":-0.05", StringComparison.Ordinal);
        File.WriteAllLines(log, lines);

        var error = Assert.Throws<AnalysisInputException>(() => RunReader.Read([Path.Combine(_folder.Path, "run")]));

        Assert.Equal("comm_time must be from 0 to 1e10 seconds", error.Problem);
        Assert.Contains("got -0.05, ", error.Value, StringComparison.Ordinal);
        Assert.Contains("metrics_rank1.jsonl, line 3", error.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OfMixedBatchSizes_IsRefusedWithWhatDiffers()
    {
        RunFolder("a", processes: 1, seconds: 1, batch: 8);
        RunFolder("b", processes: 2, seconds: 1, batch: 12);

        var error = Assert.Throws<AnalysisInputException>(() => RunReader.Read([_folder.Path]));

        Assert.Contains("batch size", error.Problem, StringComparison.Ordinal);
        Assert.Contains("8 in ", error.Value, StringComparison.Ordinal);
        Assert.Contains("12 in ", error.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OfMixedMachines_IsRefusedWithWhatDiffers()
    {
        RunFolder("a", processes: 1, seconds: 1, cpu: "Alpha");
        RunFolder("b", processes: 2, seconds: 1, cpu: "Beta");

        var error = Assert.Throws<AnalysisInputException>(() => RunReader.Read([_folder.Path]));

        Assert.Contains("different machines (Alpha, 4 cores in ", error.Message, StringComparison.Ordinal);
        Assert.Contains("Beta, 4 cores in ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OfTimesOfDifferentKinds_IsRefused()
    {
        RunFolder("a", processes: 1, seconds: 1);

        Assert.Contains(
            "different kinds of times",
            Assert.Throws<AnalysisInputException>(() => RunReader.Read([_folder.Path + "/a", _folder.Write("t.csv", "2,5\n")])).Problem,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OfOneConfiguration_SaysThatThereIsNothingToCompare()
    {
        RunSet runs = RunReader.Read([_folder.Write("t.csv", "2,5\n")]);
        Report report = ReportBuilder.Build(runs, new ReportOptions { Predict = [4] });

        Assert.Contains(report.Warnings, w => w.StartsWith("Only one configuration", StringComparison.Ordinal));
        Assert.Contains(report.Warnings, w => w.StartsWith("No prediction for fp32: it takes 3 numbers of processes at least, and 1 was measured", StringComparison.Ordinal));
        Assert.Empty(report.Summary);
        Assert.Empty(report.Series.Single().Predictions);
    }

    [Fact]
    public void Read_OfNanLosses_WarnsAndKeepsTheTimes()
    {
        RunFolder("run", processes: 1, seconds: 0.5, loss: double.NaN);

        RunSet runs = RunReader.Read([Path.Combine(_folder.Path, "run")]);

        Assert.Equal(0.5, runs.Measurements[0].Seconds, 1e-9);
        Assert.Contains(runs.Warnings, w => w.StartsWith("The loss is not a number in 20 steps, first in step 1", StringComparison.Ordinal));
    }

    [Fact]
    public void Read_OfRunsThatDifferInSettings_WarnsOfWhatDiffers()
    {
        RunFolder("a", processes: 1, seconds: 1, workers: 4);
        RunFolder("b", processes: 2, seconds: 0.6, workers: 2);

        Assert.Contains(RunReader.Read([_folder.Path]).Warnings, w => w.StartsWith("The runs differ in workers: 4 in ", StringComparison.Ordinal));
    }

    [Fact]
    public void Read_OfRunsThatDifferInWhatChangesTheWork_IsRefusedWithWhatDiffers()
    {
        RunFolder("a", processes: 1, seconds: 1, accumulate: 1);
        RunFolder("b", processes: 2, seconds: 0.6, accumulate: 2);

        AnalysisInputException error = Assert.Throws<AnalysisInputException>(() => RunReader.Read([_folder.Path]));

        Assert.Equal("the runs differ in accumulate", error.Problem);
        Assert.Contains("1 in ", error.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OfRunsThatDifferInWhatChangesNothing_SaysNothing()
    {
        RunFolder("a", processes: 1, seconds: 1, seed: 1);
        RunFolder("b", processes: 2, seconds: 0.6, seed: 2);

        Assert.Empty(RunReader.Read([_folder.Path]).Warnings);
    }

    [Fact]
    public void Read_OfARunThatNamesItsSamples_SpeaksOfThem()
    {
        RunFolder("run", processes: 1, seconds: 0.5);
        Assert.Equal("image", RunReader.Read([Path.Combine(_folder.Path, "run")]).SampleNoun);
        Assert.Equal("sample", RunReader.Read([_folder.Write("t.csv", "1,10\n")]).SampleNoun);
        Assert.Equal("image", RunReader.Read([_folder.Write("t.csv", "processes,img/s\n1,10\n")]).TimeNoun);
    }

    [Fact]
    public void Read_OfAbsentPaths_IsRefused()
    {
        Assert.Contains("no such file", Assert.Throws<AnalysisInputException>(() => RunReader.Read([_folder.Path + "/absent"])).Problem, StringComparison.Ordinal);
        Assert.Contains("holds no measurements", Assert.Throws<AnalysisInputException>(() => RunReader.Read([_folder.Path])).Problem, StringComparison.Ordinal);
    }

    private static string Foreign(int processes, double secondsAStep, int records = 10)
    {
        // A record every 10 steps, the times of a clock that started before the first of them.
        var text = new StringBuilder("{\"start_time\": \"2025-03-01 10:00:00\", \"end_time\": \"2025-03-01 11:00:00\", \"metrics\": [");
        for (int i = 1; i <= records; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{(i > 1 ? "," : "")}\n{{\"timestamp\": 17e8, \"rank\": 0, \"step\": {i * 10}, \"loss\": {(i == 1 ? "NaN" : "0.5")}, \"batch_size\": 8, \"learning_rate\": 0.001, \"elapsed_time\": {5 + (i * 10 * secondsAStep)}, \"world\": {processes}}}");
        }

        return text.Append("]}").ToString();
    }

    private static SettingRecord Setting(string name, SettingEffect effect, int value) =>
        new() { Name = name, Option = $"--{name}", Arguments = [$"--{name}", value.ToString(CultureInfo.InvariantCulture)], Effect = effect };

    private void WarmUpIs(int steps)
    {
        string path = Path.Combine(_folder.Path, "run", "metrics.json");
        MetricsFile.Write(path, MetricsFile.Read(path) with { WarmupSteps = steps });
    }

    private void RunFolder(
        string name, int processes, double seconds, int batch = 8, int steps = 20, int accumulate = 1, double updateFactor = 1, string cpu = "Alpha", double loss = 0.5, int workers = 4, int seed = 0)
    {
        string folder = Path.Combine(_folder.Path, name);
        Directory.CreateDirectory(folder);
        for (int rank = 0; rank < processes; rank++)
        {
            using var log = new StepMetricsLog(Path.Combine(folder, FormattableString.Invariant($"metrics_rank{rank}.jsonl")));
            foreach (int step in Enumerable.Range(1, steps))
            {
                double whole = seconds * (step % accumulate == 0 ? updateFactor : 1);
                log.Append(new StepMetrics
                {
                    Timestamp = DateTimeOffset.UnixEpoch.AddSeconds(step),
                    Rank = rank,
                    Step = step,
                    Loss = loss,
                    BatchSize = batch,
                    LearningRate = 0.001,
                    ElapsedTime = step * seconds,
                    StepTime = whole,
                    DataTime = whole * 0.05,
                    ForwardTime = whole * 0.2,
                    BackwardTime = whole * 0.5,
                    CommTime = whole * 0.1,
                    WaitTime = 0,
                    OptimizerTime = whole * 0.1,
                });
            }
        }

        MetricsFile.Write(Path.Combine(folder, "metrics.json"), new RunMetrics
        {
            StartTime = DateTimeOffset.UnixEpoch,
            EndTime = DateTimeOffset.UnixEpoch.AddSeconds(steps),
            Config = new() { ["nproc"] = processes, ["threads"] = 1, ["accumulate"] = accumulate, ["workers"] = workers, ["seed"] = seed },
            Launch = new LaunchRecord
            {
                Command = ["convoy", "train"],
                Settings = [Setting(SettingNames.Processes, SettingEffect.Speed, processes), Setting(SettingNames.Accumulate, SettingEffect.Work, accumulate), Setting(SettingNames.Workers, SettingEffect.Speed, workers), Setting("seed", SettingEffect.Nothing, seed)],
            },
            SampleNoun = "image",
            Host = new HostInfo
            {
                OperatingSystem = "made up",
                Architecture = "x64",
                CpuModel = cpu,
                LogicalCores = 4,
                UsableCores = 4 / processes, // ranks bound to cores see their own
                InstructionSets = [],
                MemoryTotalBytes = 1,
                MemoryAvailableBytes = 1,
                Versions = new Dictionary<string, string>(),
            },
            Metrics = StepMetricsLog.Read(Path.Combine(folder, "metrics_rank0.jsonl")),
        });
    }
}
