using Convoy.Training.Tuning;

namespace Convoy.Training.Tests.Tuning;

public sealed class TrialJudgeTests
{
    [Fact]
    public void Judge_AllowanceNotUsedUp_GoesOn() =>
        Assert.Null(new TrialJudge(new TrialAllowance { SecondsEach = 10, SecondsLeft = 100 }).Judge([3, 3]));

    [Theory]
    [InlineData(3.3, false)]
    [InlineData(3.4, true)]
    public void Judge_OneMoreStepWouldExceedTheAllowance_Ends(double step, bool ends) =>
        Assert.Equal(ends ? TrialEnd.Measured : null, new TrialJudge(new TrialAllowance { SecondsEach = 10, SecondsLeft = 100 }).Judge([step, step]));

    [Theory]
    [InlineData(1.24, false)]
    [InlineData(1.26, true)]
    public void Judge_FastestStepAgainstTheBest_GivesUpBeyondAQuarterMore(double fastest, bool givenUp)
    {
        var judge = new TrialJudge(new TrialAllowance { SecondsEach = 100, SecondsLeft = 100, BestStepSeconds = 1 });

        Assert.Equal(givenUp ? TrialEnd.GivenUp : null, judge.Judge([5, fastest]));
    }

    [Fact]
    public void Judge_AfterAFasterTrial_MeasuresByThatOne()
    {
        var judge = new TrialJudge(new TrialAllowance { SecondsEach = 100, SecondsLeft = 100 });
        Assert.Null(judge.Judge([2]));

        judge.Finish([1, 1.1, 0.9]);

        Assert.Equal(TrialEnd.GivenUp, judge.Judge([2]));
        Assert.Null(judge.Judge([1.5])); // one step alone says less
        Assert.Equal(TrialEnd.GivenUp, judge.Judge([1.5, 1.5]));
    }
}
