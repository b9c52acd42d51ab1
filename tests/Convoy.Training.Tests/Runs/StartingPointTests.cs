using Convoy.Training.Checkpoints;
using Convoy.Training.Runs;
using Convoy.Metrics;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Runs;

/// <summary>How a damaged metrics file decides where a run goes on from.</summary>
public sealed class StartingPointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly RunDirectory _run;

    public StartingPointTests()
    {
        _run = new RunDirectory(_folder.Root);
        TorchSharp.Modules.Linear model = nn.Linear(3, 2);
        foreach (long step in new long[] { 4, 8 })
        {
            Checkpoint.Write(_run.Checkpoints, model, optim.AdamW(model.parameters()), new Dictionary<string, Tensor>(), new CheckpointState { Step = step, ElapsedTime = step }, keep: 2);
        }

        foreach (int rank in new[] { 0, 1 })
        {
            using var log = new StepMetricsLog(_run.MetricsLog(rank));
            for (long step = 1; step <= 9; step++)
            {
                log.Append(Step(step, rank));
            }
        }
    }

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(0, 9, 8, "metrics_rank0.jsonl, line 9 is no step: its steps are taken again from step-000008.")]
    [InlineData(0, 6, 4, "metrics_rank0.jsonl, line 6 is no step: its steps are taken again from step-000004.")]
    [InlineData(1, 5, 4, "metrics_rank1.jsonl, line 5 is no step: its steps are taken again from step-000004.")]
    [InlineData(0, 2, 8, "metrics_rank0.jsonl, line 2 is no step: no checkpoint is older; the run's record has of its steps what metrics.json or another rank has.")]
    public void Find_BadLine_IsTheNewestCheckpointBeforeItWhereThereIsOne(int rank, int line, long expected, string warning)
    {
        Spoil(rank, line);

        var start = StartingPoint.Find(_run, processes: 2);

        Assert.Equal(expected, start.Checkpoint!.State.Step);
        Assert.Equal(warning, Assert.Single(start.Warnings));
    }

    [Fact]
    public void Find_BadLineOfARankThatIsNoMore_CountsNothing()
    {
        Spoil(1, 5);

        var start = StartingPoint.Find(_run, processes: 1);

        Assert.Equal(8, start.Checkpoint!.State.Step);
        Assert.Empty(start.Warnings);
    }

    [Fact]
    public void Find_NoCheckpoints_IsTheBeginning()
    {
        Directory.Delete(_run.Checkpoints, recursive: true);

        Assert.Null(StartingPoint.Find(_run, processes: 2).Checkpoint);
    }

    private void Spoil(int rank, int line)
    {
        string[] lines = File.ReadAllLines(_run.MetricsLog(rank));
        lines[line - 1] = "{\"timestamp\":\0\0\0";
        File.WriteAllText(_run.MetricsLog(rank), string.Join('\n', lines) + "\n");
    }

    private static StepMetrics Step(long step, int rank) => new()
    {
        Timestamp = DateTimeOffset.UnixEpoch.AddSeconds(step), Rank = rank, Step = step, Loss = 1.0 / step, BatchSize = 2, LearningRate = 0.1, ElapsedTime = step,
    };
}
