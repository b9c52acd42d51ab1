using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Tasks;

namespace Convoy.Training.Tests.Runs;

public sealed class TrainingPlanTests
{
    private static readonly TrainingOptions Options = new() { Nproc = 1, Threads = 1 };

    [Fact]
    public void Steps_ByEpochs_CountsWholeBatchesOnly()
    {
        var plan = new TrainingPlan(Options with { Epochs = 3, BatchSize = 8 }, samples: 30);

        Assert.Equal(3, plan.StepsPerEpoch);
        Assert.Equal(9, plan.Steps);
        Assert.Equal([0, 0, 0, 1, 1, 1, 2], Enumerable.Range(0, 7).Select(done => plan.EpochAfter(done)));
        Assert.Equal([0, 1, 2, 0, 1, 2, 0], Enumerable.Range(0, 7).Select(done => plan.BatchesDoneInEpochAfter(done)));
    }

    [Fact]
    public void Steps_Given_TakesTheEpochsPlace() => Assert.Equal(100, new TrainingPlan(Options with { Epochs = 3, Steps = 100 }, 30).Steps);

    [Fact]
    public void IsUpdate_StepsNotDivisibleByAccumulation_LastStepIsOne()
    {
        var plan = new TrainingPlan(Options with { Steps = 8, Accumulate = 3 }, 30);

        Assert.Equal([3, 6, 8], Enumerable.Range(1, 8).Where(step => plan.IsUpdate(step)));
    }

    [Theory]
    [InlineData(0, 2, new[] { 12 })]
    [InlineData(4, 2, new[] { 4, 8, 12 })]
    [InlineData(5, 2, new[] { 6, 10, 12 })]
    [InlineData(1, 3, new[] { 3, 6, 9, 12 })]
    [InlineData(5, 1, new[] { 5, 10, 12 })]
    [InlineData(7, 5, new[] { 10, 12 })]
    public void IsCheckpoint_Interval_IsTheFirstUpdateAtOrAfterEachMultiple(long every, int accumulate, int[] expected)
    {
        var plan = new TrainingPlan(Options with { Steps = 12, CheckpointEvery = every, Accumulate = accumulate }, 30);

        Assert.Equal(expected, Enumerable.Range(1, 12).Where(step => plan.IsCheckpoint(step)));
    }

    [Fact]
    public void IsCheckpoint_NoneToKeep_IsNever()
    {
        var plan = new TrainingPlan(Options with { Steps = 12, CheckpointEvery = 3, KeepCheckpoints = 0 }, 30);

        Assert.False(plan.KeepsCheckpoints);
        Assert.DoesNotContain(Enumerable.Range(1, 12), step => plan.IsCheckpoint(step));
    }

    [Fact]
    public void LearningRate_Accumulation_IsThatOfTheStepsUpdate()
    {
        var plan = new TrainingPlan(Options with { Steps = 7, Accumulate = 2, WarmupUpdates = 2, Lr = 0.1, ScaleLr = false }, 30);
        var schedule = new WarmupCosine(0.1, totalUpdates: 4, warmupUpdates: 2);

        Assert.Equal(new long[] { 0, 0, 1, 1, 2, 2, 3 }.Select(schedule.At), Enumerable.Range(1, 7).Select(step => plan.LearningRate(step)));
    }

    [Fact]
    public void LearningRate_LongerSchedule_IsThatOfTheLongRun()
    {
        var part = new TrainingPlan(Options with { Steps = 10, ScheduleSteps = 20 }, 30);
        var whole = new TrainingPlan(Options with { Steps = 20 }, 30);

        Assert.Equal(Enumerable.Range(1, 10).Select(step => whole.LearningRate(step)), Enumerable.Range(1, 10).Select(step => part.LearningRate(step)));
    }

    [Fact]
    public void LearningRate_Scaled_IsMultipliedByTheProcesses()
    {
        var plan = new TrainingPlan(Options with { Steps = 10, Nproc = 4, WarmupUpdates = 0 }, 30);

        Assert.Equal(4 * 0.0005, plan.LearningRate(1), 12);
    }

    [Fact]
    public void Constructor_WarmUpBeyondTheRun_IsCutToIt() =>
        Assert.True(new TrainingPlan(Options with { Steps = 2, WarmupUpdates = 500 }, 30).LearningRate(2) > 0);

    [Fact]
    public void Constructor_FewerSamplesThanABatch_IsRefused() =>
        Assert.Equal(
            "too few training samples for one step (7 samples, batch size 8). Give more data, a smaller --batch-size or hold out less.",
            Assert.Throws<BadInputException>(() => new TrainingPlan(Options, 7)).Message);
}
