using Convoy.Metrics;
using Convoy.Training.Checkpoints;
using Convoy.Training.Options;
using Convoy.Training.Tasks;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Runs;

public sealed class TrainerEvaluationTests : IDisposable
{
    private readonly SmallRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Run_MetricPeaksInTheMiddle_KeepsTheBestCheckpointBesideTheNewest(bool higherIsBetter)
    {
        double[] values = [0.1, 0.5, 0.9, 0.3, 0.9, 0.4];
        SmallTask Task(double[] planted) => Planted(higherIsBetter ? planted : [.. planted.Select(value => 1 - value)], higherIsBetter);
        TrainingOptions options = SmallRuns.Options with { Steps = 12, EvalEvery = 2, CheckpointEvery = 4, KeepCheckpoints = 2 };

        _runs.Train("run", Task(values), options);

        // Of 2, 4, 6, 8 and 12, of which 2 and 4 were the best once; that of step 10 is as good as that of 6, and no better.
        Assert.Equal([6, 8, 12], _runs.CheckpointSteps("run"));
        var best = Checkpoint.Best(_runs["run"].Checkpoints, Task(values).Best!)!;
        Assert.Equal((6, higherIsBetter ? 0.9 : 1 - 0.9), (best.State.Step, best.State.Metric(Task(values).Best!)));
        Assert.Equal(best.Folder, _runs["run"].BestCheckpoint(Task(values).Best!)!.Folder);

        // The run goes on and knows its best.
        _runs.Train("run", Task([0.85, 0.95, 0.2]), options with { Steps = 18, KeepCheckpoints = 1 });
        Assert.Equal([16, 18], _runs.CheckpointSteps("run"));
    }

    [Fact]
    public void Run_ResumedAndNothingBetter_KeepsTheEarlierBest()
    {
        TrainingOptions options = SmallRuns.Options with { Steps = 4, EvalEvery = 2, KeepCheckpoints = 1 };
        _runs.Train("run", Planted([0.9, 0.1]), options);
        Assert.Equal([2, 4], _runs.CheckpointSteps("run"));

        _runs.Train("run", Planted([0.8, 0.7]), options with { Steps = 8 });

        Assert.Equal([2, 8], _runs.CheckpointSteps("run"));
    }

    [Fact]
    public void Run_WithoutAGoal_KeepsTheNewestOnly()
    {
        _runs.Train("run", Planted([0.9, 0.1, 0.2], hasGoal: false), SmallRuns.Options with { Steps = 6, EvalEvery = 2, KeepCheckpoints = 1 });

        Assert.Equal([6], _runs.CheckpointSteps("run"));
        Assert.Equal(0.2, _runs.Latest("run").State.Metrics!["score"]);
    }

    [Theory]
    [InlineData(0, 1, true, 2, new long[] { 7 })]
    [InlineData(0, 1, false, 2, new long[] { })]
    [InlineData(3, 1, true, 2, new long[] { 3, 6, 7 })]
    [InlineData(3, 1, false, 2, new long[] { 3, 6, 7 })]
    [InlineData(3, 2, true, 2, new long[] { 4, 6, 7 })]
    [InlineData(3, 1, true, 0, new long[] { })]
    public void Run_EvaluationEverySoManySteps_IsAtTheirUpdatesAndInTheRecord(long every, int accumulate, bool atEnd, int keep, long[] expected)
    {
        int evaluations = 0;
        var task = new SmallTask
        {
            EvaluatesAtEnd = atEnd,
            Evaluation = (model, _) =>
            {
                Assert.False(model.training);
                Assert.False(is_grad_enabled());
                var totals = new MetricTotals();
                totals.Add("score", ++evaluations);
                return totals;
            },
        };

        _runs.Train("run", task, SmallRuns.Options with { Steps = 7, EvalEvery = every, Accumulate = accumulate, KeepCheckpoints = keep });

        StepMetrics[] steps = _runs.Steps("run");
        Assert.Equal(expected, steps.Where(step => step.Evaluation is not null).Select(step => step.Step));
        Assert.Equal(Enumerable.Range(1, expected.Length).Select(value => (double)value), steps.Where(step => step.Evaluation is not null).Select(step => step.Evaluation!["score"]));
        Assert.Equal(steps.Select(step => step.Evaluation?["score"]), MetricsFile.Read(_runs["run"].Metrics).Metrics.Select(step => step.Evaluation?["score"]));
    }

    [Fact]
    public void Run_MetricThatIsNoNumber_IsNeverTheBestAndIsRecorded()
    {
        _runs.Train("run", Planted([double.NaN, 0.1, double.NaN]), SmallRuns.Options with { Steps = 6, EvalEvery = 2, KeepCheckpoints = 1 });

        Assert.Equal([4, 6], _runs.CheckpointSteps("run"));
        Assert.Equal([double.NaN, 0.1, double.NaN], _runs.Steps("run").Where(step => step.Evaluation is not null).Select(step => step.Evaluation!["score"]));
        Assert.Empty(_runs.Latest("run").State.Metrics!);
    }

    [Fact]
    public void Run_EvaluationThatDrawsAtRandom_DoesNotChangeTheTraining()
    {
        TrainingOptions options = SmallRuns.Options with { Steps = 6, Seed = 3 };
        _runs.Train("without", new SmallTask { Dropout = 0.5 }, options);
        double drawn = 0;
        var task = new SmallTask
        {
            Dropout = 0.5,
            Evaluation = (_, _) =>
            {
                drawn += rand(1).item<float>();
                return new MetricTotals();
            },
        };

        _runs.Train("with", task, options with { EvalEvery = 1 });

        Assert.True(drawn > 0);
        Assert.Equal(_runs.Losses("without"), _runs.Losses("with"));
        _runs.AssertSameCheckpoints("without", "with");
    }

    [Fact]
    public void Run_OfATask_Learns()
    {
        (Tensor pictures, Tensor brighter) = SmallTask.Draw(200, seed: 2);
        var task = new SmallTask
        {
            Samples = 64,
            Best = new MetricGoal("accuracy"),
            Evaluation = (model, context) =>
            {
                var totals = new MetricTotals();
                using Tensor right = model.call(pictures).argmax(1).eq(brighter).sum();
                totals.Add("accuracy", right.item<long>(), 200);
                return totals;
            },
        };

        _runs.Train("run", task, SmallRuns.Options with { Steps = 60, BatchSize = 16, EvalEvery = 1, KeepCheckpoints = 1 });

        double[] accuracies = [.. _runs.Steps("run").Select(step => step.Evaluation!["accuracy"])];
        Assert.True(accuracies[^1] > 0.85, $"{accuracies[^1]} is right");
        Assert.Equal(accuracies.Max(), Checkpoint.Best(_runs["run"].Checkpoints, task.Best!)!.State.Metrics!["accuracy"]);
    }

    // Each evaluation gives the next of the values.
    private static SmallTask Planted(double[] values, bool higherIsBetter = true, bool hasGoal = true)
    {
        int next = 0;
        return new SmallTask
        {
            Best = hasGoal ? new MetricGoal("score", higherIsBetter) : null,
            Evaluation = (_, _) =>
            {
                var totals = new MetricTotals();
                totals.Add("score", values[next++]);
                return totals;
            },
        };
    }
}
