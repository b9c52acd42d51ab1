using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Convoy.Metrics.Tests;

public sealed class MetricsFileTests : IDisposable
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly string _folder = Directory.CreateTempSubdirectory("convoy-metrics-").FullName;

    private string File => Path.Combine(_folder, "metrics.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Write_OfAFullRecord_HasTheNamesOfTheFormat()
    {
        MetricsFile.Write(File, Run(FullStep()) with
        {
            SampleNoun = "image",
            FlopsPerSample = 2e9,
            Host = Host(),
            Launch = new LaunchRecord
            {
                Command = ["convoy", "train"],
                Program = ["python3", "train.py"],
                Settings = [new() { Name = "sync_bn", Option = "--sync-bn", OffOption = "--no-sync-bn", Arguments = ["--no-sync-bn"], Value = "false", Effect = SettingEffect.Speed, Label = "batch norm" }],
            },
        });

        JsonObject run = JsonNode.Parse(System.IO.File.ReadAllText(File))!.AsObject();

        Assert.Equal(
            """{"command":["convoy","train"],"settings":[{"name":"sync_bn","option":"--sync-bn","off_option":"--no-sync-bn","arguments":["--no-sync-bn"],"value":"false","effect":"speed","label":"batch norm"}],"program":["python3","train.py"]}""",
            run["launch"]!.ToJsonString());
        Assert.Equal("image", (string?)run["sample_noun"]);
        Assert.Equal(2e9, (double?)run["flops_per_sample"]);
        Assert.Equal("no", (string?)run["host"]!["counter_refusal"]);
        Assert.Equal("""[{"precision":"bf16","threads":2,"gigaflops_per_second":1080.5}]""", run["host"]!["matrix_peaks"]!.ToJsonString());
        Assert.Equal(
            """{"timestamp":"1970-01-01T00:00:01+00:00","rank":0,"step":1,"loss":1,"batch_size":2,"learning_rate":0.1,"elapsed_time":1,"cpu_time":1.5,"peak_memory_bytes":1024,"device_peak_memory_bytes":2048,"context_switches":{"voluntary":3,"involuntary":4},"run_queue_time":0.125,"counters":{"cache_misses":5000,"instructions":70000},"buckets":[{"bytes":100,"ready":0.25}]}""",
            run["metrics"]![0]!.ToJsonString(Readable));
    }

    [Fact]
    public void Read_OfWhatWasWritten_IsTheSame()
    {
        RunMetrics written = Run(FullStep()) with
        {
            SampleNoun = "image",
            FlopsPerSample = 2e9,
            Host = Host(),
            Launch = new LaunchRecord { Command = ["convoy", "train"], Settings = [new() { Name = "nproc", Option = "--nproc", Arguments = ["--nproc", "2"], Effect = SettingEffect.Work }] },
        };
        MetricsFile.Write(File, written);

        RunMetrics read = MetricsFile.Read(File);

        Assert.Equivalent(written, read, strict: true);
    }

    [Fact]
    public void Read_OfAFileWithoutTheNewFields_LeavesThemNull()
    {
        MetricsFile.Write(File, Run(FullStep() with { CpuTime = null, PeakMemoryBytes = null, DevicePeakMemoryBytes = null, ContextSwitches = null, RunQueueTime = null, Counters = null, Buckets = null }));
        Assert.DoesNotContain("null", System.IO.File.ReadAllText(File), StringComparison.Ordinal);

        RunMetrics read = MetricsFile.Read(File);

        Assert.Null(read.Launch);
        Assert.Null(read.SampleNoun);
        Assert.Null(read.FlopsPerSample);
        Assert.Null(read.Metrics[0].Counters);
        Assert.Equal((null, null, null, null, null), (read.Metrics[0].CpuTime, read.Metrics[0].PeakMemoryBytes, read.Metrics[0].DevicePeakMemoryBytes, read.Metrics[0].ContextSwitches, read.Metrics[0].Buckets));
    }

    [Theory]
    [InlineData("\"launch\":{\"settings\":[]}", "'command'")]
    [InlineData("\"launch\":{\"command\":[null]}", "\"launch\" holds a null in its lists")]
    [InlineData("\"launch\":{\"command\":[\"x\"],\"settings\":[null]}", "\"launch\" holds a null in its lists")]
    [InlineData("\"launch\":{\"command\":[\"x\"],\"settings\":[{\"name\":\"a\",\"arguments\":[null]}]}", "\"launch\" holds a null in its lists")]
    [InlineData("\"launch\":{\"command\":[\"x\"],\"settings\":[{\"name\":\"a\",\"effect\":\"odd\"}]}", "effect")]
    public void Read_OfADamagedLaunch_IsRefused(string field, string expected)
    {
        MetricsFile.Write(File, Run(FullStep()));
        System.IO.File.WriteAllText(File, "{" + field + "," + System.IO.File.ReadAllText(File)[1..]);

        Assert.Contains(expected, Assert.Throws<MetricsFormatException>(() => MetricsFile.Read(File)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OfAHostWithANullPeak_IsRefused()
    {
        MetricsFile.Write(File, Run(FullStep()) with { Host = Host() with { MatrixPeaks = [null!] } });

        Assert.Contains("\"host\" holds a null in its lists", Assert.Throws<MetricsFormatException>(() => MetricsFile.Read(File)).Message, StringComparison.Ordinal);
    }

    private static HostInfo Host() => new()
    {
        OperatingSystem = "made up",
        Architecture = "x64",
        LogicalCores = 2,
        UsableCores = 2,
        InstructionSets = ["avx2"],
        MemoryTotalBytes = 1,
        MemoryAvailableBytes = 1,
        Versions = new Dictionary<string, string> { ["dotnet"] = "10" },
        CounterRefusal = "no",
        MatrixPeaks = [new MatrixPeak("bf16", 2, 1080.5)],
    };

    private static RunMetrics Run(StepMetrics step) => new() { StartTime = DateTimeOffset.UnixEpoch, EndTime = DateTimeOffset.UnixEpoch.AddSeconds(1), Metrics = [step] };

    private static StepMetrics FullStep() => new()
    {
        Timestamp = DateTimeOffset.UnixEpoch.AddSeconds(1),
        Rank = 0,
        Step = 1,
        Loss = 1,
        BatchSize = 2,
        LearningRate = 0.1,
        ElapsedTime = 1,
        CpuTime = 1.5,
        PeakMemoryBytes = 1024,
        DevicePeakMemoryBytes = 2048,
        ContextSwitches = new ContextSwitches(3, 4),
        RunQueueTime = 0.125,
        Counters = new CounterReading(5000, 70000),
        Buckets = [new BucketMetrics(100, 0.25)],
    };
}
