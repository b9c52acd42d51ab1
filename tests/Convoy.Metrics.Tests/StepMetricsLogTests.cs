namespace Convoy.Metrics.Tests;

public sealed class StepMetricsLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("convoy-metrics-").FullName;

    private string Log => Path.Combine(_folder, "metrics_rank0.jsonl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("garbage", "line 3 is no step")]
    [InlineData("", "line 3 is no step")]
    [InlineData("null", "line 3 is no step")]
    [InlineData("{\"step\":3}", "line 3 is no step")]
    [InlineData("\0\0\0", "line 3 is no step")]
    [InlineData("{\"\\ud800\":3}", "line 3 is no step")]
    [InlineData("2", "line 3 is step 2 after step 2")]
    public void RecordRead_BadLine_IsPassedOverAndSaid(string line, string damage)
    {
        Write([1, 2, 3, 4]);
        string[] lines = File.ReadAllLines(Log);
        lines[2] = line == "2" ? lines[1] : line;
        File.WriteAllText(Log, string.Join('\n', lines) + "\n");

        var record = StepMetricsRecord.Read(Log);

        Assert.Equal([1, 2, 4], record.Steps.Select(step => step.Step));
        Assert.Equal((2, damage), (record.LastSoundStep, record.Damage));
    }

    [Fact]
    public void RecordRead_LastLineWithoutItsEnd_IsNoDamage()
    {
        Write([1, 2]);
        File.AppendAllText(Log, "{\"timest");

        var record = StepMetricsRecord.Read(Log);

        Assert.Equal([1, 2], record.Steps.Select(step => step.Step));
        Assert.Null(record.Damage);
    }

    [Fact]
    public void RecordRead_NoFile_HasNoSteps() => Assert.Empty(StepMetricsRecord.Read(Log).Steps);

    [Fact]
    public void Constructor_DamagedLogAndRecordsFromElsewhere_EndsCompleteAndInOrder()
    {
        Write([1, 2, 3, 4, 5, 6]);
        string[] lines = File.ReadAllLines(Log);
        (lines[1], lines[3]) = ("garbage", "more");
        File.WriteAllText(Log, string.Join('\n', lines) + "\n");

        using (var log = new StepMetricsLog(Log, lastStep: 5, [Step(4, rank: 7), Step(2, rank: 7), Step(1, rank: 7), Step(6, rank: 7)]))
        {
            log.Append(Step(6, rank: 0));
            log.FlushToDisk();
        }

        Assert.Equal([(1, 0), (2, 7), (3, 0), (4, 7), (5, 0), (6, 0)], StepMetricsLog.Read(Log).Select(step => ((int)step.Step, step.Rank)));
    }

    private void Write(IEnumerable<long> steps)
    {
        using var log = new StepMetricsLog(Log);
        foreach (long step in steps)
        {
            log.Append(Step(step, rank: 0));
        }
    }

    private static StepMetrics Step(long step, int rank) => new()
    {
        Timestamp = DateTimeOffset.UnixEpoch.AddSeconds(step), Rank = rank, Step = step, Loss = 1, BatchSize = 2, LearningRate = 0.1, ElapsedTime = step,
    };
}
