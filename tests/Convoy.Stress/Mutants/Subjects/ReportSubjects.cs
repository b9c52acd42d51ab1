using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Convoy.Lanes.Training;
using Convoy.Metrics;
using Convoy.Training.Options;

namespace Convoy.Stress.Mutants.Subjects;

/// <summary>Readers of <c>convoy report</c>, and those of a run that goes on.</summary>
internal static class ReportSubjects
{
    // Plots take most of a report's time.
    private const int WithFilesEvery = 40;
    private const int Steps = 8;
    private const string NotANumber = "NaN";
    private static readonly DateTimeOffset Begin = new(2025, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static IEnumerable<Subject> Make() =>
    [
        new("metrics", FileForm.Json, "two/metrics.json") { Originals = () => [Metrics(2, bare: false), Metrics(2, bare: true)], Prepare = WriteOthers, Read = (folder, number) => Report(folder, number, "one", "two", "four") },
        new("rank-metrics", FileForm.Json, "two/metrics_rank1.jsonl")
        {
            Originals = () => [Bytes(path => WriteLog(path, rank: 1))],
            Prepare = folder =>
            {
                WriteOthers(folder);
                Directory.CreateDirectory(Path.Combine(folder, "two"));
                System.IO.File.WriteAllBytes(Path.Combine(folder, "two", "metrics.json"), Metrics(2, bare: false));
            },
            Read = ReadLog,
        },
        new("other-metrics", FileForm.Json, "Metrics_2_cpus.json")
        {
            Originals = () => [Other(2)],
            Prepare = folder =>
            {
                System.IO.File.WriteAllBytes(Path.Combine(folder, "Metrics_1_cpus.json"), Other(1));
                System.IO.File.WriteAllBytes(Path.Combine(folder, "Metrics_4_cpus.json"), Other(4));
            },
            Read = (folder, number) => Report(folder, number, "Metrics_1_cpus.json", "Metrics_2_cpus.json", "Metrics_4_cpus.json"),
        },
        new("csv", FileForm.Text, "table.csv")
        {
            Originals = () =>
            [
                Encoding.UTF8.GetBytes("processes,seconds,precision\n1,10.5,fp32\n2,6.1,fp32\n4,3.9,fp32\n1,8.5,bf16\n2,5.1,bf16\n4,3.5,bf16\n"),
                Encoding.UTF8.GetBytes("processes,seconds\n1,10\n1,11\n1,10.2\n2,5.6\n2,5.7\n8,2\n"),
            ],
            Read = (folder, number) => Report(folder, number, "table.csv"),
        },
    ];

    private static bool Report(string folder, int number, params IEnumerable<string> names)
    {
        string[] files = number % WithFilesEvery == 0 ? ["--out", Path.Combine(folder, "report")] : [];
        string[] options = (number % 4) switch
        {
            0 => ["--predict", "8,64"],
            1 => ["--predict", "16", "--link-gbps", "1", "--latency-us", "50", "--gradient-mb", "60"],
            2 => ["--price", "0.35", "--epoch-images", "3000"],
            _ => [],
        };
        string report = ConvoyProgram.Run(["report", .. names.Select(name => Path.Combine(folder, name)), .. options, .. files]);

        // A report of sound numbers has no others; those that a file has may be quoted.
        return !report.Contains(NotANumber, StringComparison.Ordinal) || names.Any(name => Mentions(Path.Combine(folder, name)))
            ? true
            : throw new InvalidDataException($"the report says {NotANumber}");
    }

    private static bool Mentions(string path) =>
        System.IO.File.Exists(path) && System.IO.File.ReadAllText(path).Contains(NotANumber, StringComparison.OrdinalIgnoreCase);

    private static bool ReadLog(string folder, int number)
    {
        // As a resumed run does, which goes on with a copy here.
        string copy = Path.Combine(folder, "copy.jsonl");
        System.IO.File.Copy(Path.Combine(folder, "two", "metrics_rank1.jsonl"), copy, overwrite: true);
        using var log = new StepMetricsLog(copy, lastStep: 3);
        log.Append(Step(4, 1, 0.5));
        return Report(folder, number, "one", "two", "four");
    }

    private static void WriteOthers(string folder)
    {
        foreach ((string name, int processes) in ((string, int)[])[("one", 1), ("four", 4)])
        {
            string run = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
            System.IO.File.WriteAllBytes(Path.Combine(run, "metrics.json"), Metrics(processes, bare: false));
        }
    }

    /// <summary>A run's metrics.json.</summary>
    /// <param name="processes">Processes that trained.</param>
    /// <param name="bare">Whether host, phases and settings are left out.</param>
    private static byte[] Metrics(int processes, bool bare) => Bytes(path => MetricsFile.Write(path, new RunMetrics
    {
        StartTime = Begin,
        EndTime = Begin.AddSeconds(Steps),
        Config = bare ? new JsonObject { ["nproc"] = processes } : Configuration(processes).ToJson(),
        Launch = bare ? null : RecordedLaunch.Create(Configuration(processes), LaneOptions.Table, new Dictionary<string, string>()),
        SampleNoun = bare ? null : "image",
        FlopsPerSample = bare ? null : 2e9,
        Host = bare ? null : Host,
        WarmupSteps = bare ? null : 1,
        Metrics = [.. Enumerable.Range(1, Steps).Select(step => Step(step, 0, (1.0 / processes) + (0.01 * step), bare))],
    }));

    private static RunConfiguration Configuration(int processes) =>
        new(new TrainingOptions { Nproc = processes, Threads = 1 }, LaneOptions.Table.ToJson(new LaneOptions { Data = "/data" }));

    private static HostInfo Host => new()
    {
        OperatingSystem = "Linux",
        Architecture = "x64",
        CpuModel = "A processor",
        PhysicalCores = 2,
        LogicalCores = 4,
        UsableCores = 4,
        InstructionSets = ["avx2", "fma"],
        LastLevelCacheBytes = 32 << 20,
        MemoryTotalBytes = 8L << 30,
        MemoryAvailableBytes = 4L << 30,
        Versions = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["dotnet"] = "10.0.0", ["convoy"] = "0.1.0" },
        CounterRefusal = "none",
        MatrixPeaks = [new MatrixPeak("fp32", 1, 100), new MatrixPeak("bf16", 1, 400)],
    };

    private static StepMetrics Step(int number, int rank, double seconds, bool bare = false) => new()
    {
        Timestamp = Begin.AddSeconds(number),
        Rank = rank,
        Step = number,
        Loss = 2.0 / number,
        BatchSize = 8,
        LearningRate = 0.0005,
        ElapsedTime = number * seconds,
        StepTime = seconds,
        DataTime = bare ? null : 0.01,
        ForwardTime = bare ? null : seconds * 0.3,
        BackwardTime = bare ? null : seconds * 0.5,
        CommTime = bare ? null : seconds * 0.05,
        CommTotalTime = bare ? null : seconds * 0.1,
        WaitTime = bare ? null : 0.001,
        OptimizerTime = bare ? null : 0.002,
        CpuTime = bare ? null : seconds,
        PeakMemoryBytes = bare ? null : 1L << 30,
        ContextSwitches = bare ? null : new ContextSwitches(12, 3),
        RunQueueTime = bare ? null : seconds / 8,
        Counters = bare ? null : new CounterReading(1 << 20, 1L << 32),
        Buckets = bare ? null : [new BucketMetrics(1 << 20, 0.1), new BucketMetrics(1 << 21, 0.2)],
    };

    private static void WriteLog(string path, int rank)
    {
        using var log = new StepMetricsLog(path);
        for (int step = 1; step <= Steps; step++)
        {
            log.Append(Step(step, rank, 0.5 + (0.01 * step)));
        }
    }

    private static byte[] Other(int processes)
    {
        IEnumerable<string> records = Enumerable.Range(1, Steps).Select(step => string.Create(CultureInfo.InvariantCulture,
            $$"""{"timestamp": {{1000 + step}}.5, "rank": 0, "step": {{step * 5}}, "loss": {{(step == 3 ? "NaN" : "0.5")}}, "batch_size": 8, "learning_rate": 0.001, "elapsed_time": {{step * 10.0 / processes:0.00}}}"""));
        return Encoding.UTF8.GetBytes($$"""{"start_time": "2025-03-01T12:00:00", "end_time": "2025-03-01T12:10:00", "metrics": [{{string.Join(", ", records)}}]}""");
    }

    private static byte[] Bytes(Action<string> write)
    {
        string path = Path.GetTempFileName();
        try
        {
            System.IO.File.Delete(path);
            write(path);
            return System.IO.File.ReadAllBytes(path);
        }
        finally
        {
            System.IO.File.Delete(path);
        }
    }
}
