using Convoy.Training.Studies;

namespace Convoy.Training.Tests.Studies;

public sealed class RemainingTimeTests
{
    private static readonly StudyConfiguration One = new(1, 1, Precision.Fp32), Two = new(2, 1, Precision.Fp32), Four = new(4, 1, Precision.Fp32);

    [Fact]
    public void Estimate_NothingDone_IsNotKnown() => Assert.Null(new RemainingTime(2).Estimate([new StudyRun(One, 1)]));

    [Fact]
    public void Estimate_NothingDoneButTimePlanned_GoesByThePlan() =>
        Assert.Equal(38, new RemainingTime(2, plannedSeconds: 20).Estimate([new StudyRun(One, 1), new StudyRun(Two, 1)], runningSeconds: 2));

    [Fact]
    public void Estimate_OfKnownConfigurations_IsTheirMeanLessWhatRuns()
    {
        var time = new RemainingTime(2);
        time.Add(One, 10);
        time.Add(One, 14);
        time.Add(Two, 5);

        Assert.Equal(17, time.Estimate([new StudyRun(One, 3), new StudyRun(Two, 2)]));
        Assert.Equal(13, time.Estimate([new StudyRun(One, 3), new StudyRun(Two, 2)], runningSeconds: 4));
        Assert.Equal(5, time.Estimate([new StudyRun(One, 3), new StudyRun(Two, 2)], runningSeconds: 40));
        Assert.Equal(0, time.Estimate([]));
    }

    [Fact]
    public void Estimate_OfAnotherConfiguration_GoesByTheCoresThatCompute()
    {
        var time = new RemainingTime(2);
        time.Add(One, 10);

        Assert.Equal(5, time.Estimate([new StudyRun(Two, 1)]));
        Assert.Equal(5, time.Estimate([new StudyRun(Four, 1)])); // four on two cores compute no faster
    }
}
