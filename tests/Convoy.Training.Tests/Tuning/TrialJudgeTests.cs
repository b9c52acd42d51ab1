using Convoy.Training.Tuning;

namespace Convoy.Training.Tests.Tuning;

public sealed class TrialJudgeTests
{
    private static readonly TrainingBatch Eight = new(8, 1);

    [Fact]
    public void Judge_AllowanceNotUsedUp_GoesOn() =>
        Assert.Null(new TrialJudge(new TrialAllowance { SecondsEach = 10, SecondsLeft = 100 }).Judge([3, 3], Eight));

    [Theory]
    [InlineData(3.3, false)]
    [InlineData(3.4, true)]
    public void Judge_OneMoreStepWouldExceedTheAllowance_Ends(double step, bool ends) =>
        Assert.Equal(ends ? TrialEnd.Measured : null, new TrialJudge(new TrialAllowance { SecondsEach = 10, SecondsLeft = 100 }).Judge([step, step], Eight));

    [Theory]
    [InlineData(1.24, false)]
    [InlineData(1.26, true)]
    public void Judge_FastestStepAgainstTheBest_GivesUpBeyondAQuarterMore(double fastest, bool givenUp)
    {
        var judge = new TrialJudge(new TrialAllowance { SecondsEach = 100, SecondsLeft = 100, BestSampleSeconds = 1.0 / 8 });

        Assert.Equal(givenUp ? TrialEnd.GivenUp : null, judge.Judge([5, fastest], Eight));
    }

    [Fact]
    public void Judge_AfterAFasterTrial_MeasuresByThatOne()
    {
        var judge = new TrialJudge(new TrialAllowance { SecondsEach = 100, SecondsLeft = 100 });
        Assert.Null(judge.Judge([2], Eight));

        judge.Finish([1, 1.1, 0.9], Eight);

        Assert.Equal(TrialEnd.GivenUp, judge.Judge([2], Eight));
        Assert.Null(judge.Judge([1.5], Eight)); // one step alone says less
        Assert.Equal(TrialEnd.GivenUp, judge.Judge([1.5, 1.5], Eight));
    }

    [Fact]
    public void Judge_OfUpdatesOfOtherSizes_ComparesByTheSample()
    {
        var judge = new TrialJudge(new TrialAllowance { SecondsEach = 100, SecondsLeft = 100 });
        judge.Finish([1, 1], Eight);

        Assert.Null(judge.Judge([2.4, 2.4], new TrainingBatch(16, 1)));
        Assert.Equal(TrialEnd.GivenUp, judge.Judge([2.6, 2.6], new TrainingBatch(4, 4)));
    }

    [Theory]
    [InlineData(1, 1, null)]
    [InlineData(2, 1, TrialEnd.Measured)] // one update of two steps
    [InlineData(1, 2, TrialEnd.Measured)]
    public void Judge_TimeUsedUp_EndsWithWholeUpdatesOfTheLeastSteps(int accumulate, int updates, TrialEnd? expected) =>
        Assert.Equal(expected, new TrialJudge(new TrialAllowance { SecondsEach = 0, SecondsLeft = 100 }).Judge([.. Enumerable.Repeat(1.0, updates)], new TrainingBatch(8, accumulate)));
}
