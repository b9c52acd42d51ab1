using Convoy.Training.Tuning;

namespace Convoy.Training.Tests.Tuning;

public sealed class TrialEventTests
{
    [Theory]
    [InlineData("""{"Trial":0,"StepSec""")]
    [InlineData("""{"Trial":-1,"StepSeconds":0.5}""")]
    [InlineData("""{"Trial":99999999999,"StepSeconds":0.5}""")]
    [InlineData("""{"Trial":0,"StepSeconds":1e309}""")]
    [InlineData("""{"Trial":0,"StepSeconds":-1}""")]
    [InlineData("""{"Trial":0,"End":"Forgotten"}""")]
    [InlineData("""{"Trial":0,"End":"7"}""")]
    [InlineData("a line of a library")]
    public void FromLine_AnythingElse_IsNull(string line) => Assert.Null(TrialEvent.FromLine(line));

    [Fact]
    public void FromLine_ALineOfToLine_IsTheEvent()
    {
        var told = new TrialEvent(1, 0.5, nameof(TrialEnd.GivenUp));

        Assert.Equal(told, TrialEvent.FromLine(told.ToLine()));
    }

    [Fact]
    public void Add_OfATrialThatTheGroupHasNot_CountsForNothing()
    {
        var results = new TrialResults([new TuningConfiguration(1, 1, Precision.Fp32, false, 1)], leastSteps: 1);
        results.Add(new TrialEvent(0, 0.5));
        results.Add(new TrialEvent(1, 0.1));

        Assert.Equal([0.5], Assert.Single(results.Conclude(failure: null)).StepSeconds);
    }
}
