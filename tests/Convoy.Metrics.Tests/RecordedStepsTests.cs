using System.Text.Json;

namespace Convoy.Metrics.Tests;

/// <summary>Lines as programs write them that know nothing of Convoy.</summary>
public sealed class RecordedStepsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("convoy-metrics-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Add_LineWithWhatIsNeeded_IsAStep()
    {
        var steps = new RecordedSteps(3);

        Assert.Null(steps.Add("""{"step": 1, "loss": 0.5, "batch_size": 8, "timestamp": "2026-11-29T10:00:00+01:00", "sample_noun": "token", "gpu": {"hot": true}}"""));
        Assert.Null(steps.Add("""{"step": 2, "loss": NaN, "batch_size": 8, "timestamp": 1795942801.5}"""));
        Assert.Null(steps.Add("""{"step": 4, "loss": -Infinity, "batch_size": 8, "timestamp": "2026-11-29T09:00:02", "step_time": 0.25, "forward_time": 0.1, "elapsed_time": 9}"""));

        Assert.Equal("token", steps.SampleNoun);
        Assert.Equal([(1, 0.5), (2, double.NaN), (4, double.NegativeInfinity)], steps.Steps.Select(step => (step.Step, step.Loss)));
        Assert.Equal([null, 1.5, 0.25], steps.Steps.Select(step => step.StepTime));
        Assert.Equal([0, 1.5, 9], steps.Steps.Select(step => step.ElapsedTime));
        Assert.All(steps.Steps, step => Assert.Equal((3, 8, null), (step.Rank, step.BatchSize, step.LearningRate)));
        Assert.Equal(0.1, steps.Steps[2].ForwardTime);
    }

    [Fact]
    public void Add_FirstStepWithItsTime_ElapsesFromItsStart()
    {
        var steps = new RecordedSteps(0);
        steps.Add("""{"step": 1, "loss": 1, "batch_size": 8, "timestamp": 100, "step_time": 2}""");
        steps.Add("""{"step": 2, "loss": 1, "batch_size": 8, "timestamp": 101}""");

        Assert.Equal([(2.0, 2.0), (3.0, 1.0)], steps.Steps.Select(step => (step.ElapsedTime, step.StepTime!.Value)));
    }

    [Theory]
    [InlineData("", "does not contain any JSON tokens")]
    [InlineData("[1]", "it is no JSON object")]
    [InlineData("""{"step": 3, "loss": 1, "timestamp": 3}""", "it has no \"batch_size\"")]
    [InlineData("""{"step": 3, "loss": 1, "batch_size": 8, "timestamp": "yesterday"}""", "\"timestamp\" is no time: \"yesterday\"")]
    [InlineData("""{"step": 3, "loss": 1, "batch_size": 8, "timestamp": 1e300}""", "\"timestamp\" is no time: 1e300")]
    [InlineData("""{"step": 3, "loss": 1, "batch_size": 8, "timestamp": {}}""", "JsonValue")]
    [InlineData("""{"step": 2, "loss": 1, "batch_size": 8, "timestamp": 3}""", "it is step 2 after step 2")]
    [InlineData("""{"step": 3, "step": 4, "loss": 1, "batch_size": 8, "timestamp": 3}""", "step")]
    [InlineData("""{"step": "three", "loss": 1, "batch_size": 8, "timestamp": 3}""", "$.step")]
    [InlineData("""{"step": 3, "loss": 1, "batch_size": 8, "timestamp": 3, "step_time": []}""", "Double")]
    [InlineData("""{"step": 3, "loss": 1, "batch_size": 8, "timestamp": 3, "sample_noun": 1}""", "String")]
    public void Add_LineThatIsNoStep_SaysWhy(string line, string expected)
    {
        var steps = new RecordedSteps(0);
        steps.Add("""{"step": 2, "loss": 1, "batch_size": 8, "timestamp": 3}""");

        Assert.Contains(expected, steps.Add(line), StringComparison.Ordinal);
        Assert.Single(steps.Steps);
    }

    [Fact]
    public void Read_LineWithoutItsEnd_IsPassedOver()
    {
        string path = Path.Combine(_folder, "metrics_rank1.jsonl");
        File.WriteAllText(path, """
            {"step": 1, "loss": 1, "batch_size": 8, "timestamp": 3}
            {"step": 2, "lo
            """);

        Assert.Equal([1], RecordedSteps.Read(path, 1).Steps.Select(step => step.Step));
    }

    [Fact]
    public void Read_LineThatIsNoStep_IsNamed()
    {
        string path = Path.Combine(_folder, "metrics_rank1.jsonl");
        File.WriteAllText(path, "{\"step\": 1, \"loss\": 1, \"batch_size\": 8, \"timestamp\": 3}\n7\n");

        MetricsFormatException error = Assert.Throws<MetricsFormatException>(() => RecordedSteps.Read(path, 1));

        Assert.Equal($"not a step ({path}, line 2): it is no JSON object", error.Message);
    }

    [Fact]
    public void Read_LogOfConvoysOwn_IsTheSame()
    {
        string path = Path.Combine(_folder, "metrics_rank0.jsonl");
        using (var log = new StepMetricsLog(path))
        {
            log.Append(new StepMetrics { Timestamp = DateTimeOffset.UnixEpoch, Rank = 0, Step = 1, Loss = 1, BatchSize = 2, LearningRate = 0.1, ElapsedTime = 7, StepTime = 3, Buckets = [new BucketMetrics(4, 5)] });
        }

        Assert.Equal(JsonSerializer.Serialize(StepMetricsLog.Read(path)), JsonSerializer.Serialize(RecordedSteps.Read(path, 0).Steps));
    }
}
