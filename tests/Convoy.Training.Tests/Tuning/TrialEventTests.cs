using Convoy.Training.Options;
using Convoy.Training.Tuning;

namespace Convoy.Training.Tests.Tuning;

public sealed class TrialEventTests
{
    [Theory]
    [InlineData("""{"Trial":0,"UpdateSec""")]
    [InlineData("""{"Trial":-1,"UpdateSeconds":0.5}""")]
    [InlineData("""{"Trial":99999999999,"UpdateSeconds":0.5}""")]
    [InlineData("""{"Trial":0,"UpdateSeconds":1e309}""")]
    [InlineData("""{"Trial":0,"UpdateSeconds":-1}""")]
    [InlineData("""{"Trial":0,"PeakMemoryBytes":0}""")]
    [InlineData("""{"Trial":0,"LocalBatchSize":-2,"PeakMemoryBytes":100}""")]
    [InlineData("""{"Trial":0,"End":"Forgotten"}""")]
    [InlineData("""{"Trial":0,"End":"7"}""")]
    [InlineData("a line of a library")]
    public void FromLine_AnythingElse_IsNull(string line) => Assert.Null(TrialEvent.FromLine(line));

    [Fact]
    public void FromLine_ALineOfToLine_IsTheEvent()
    {
        var told = new TrialEvent(1, 0.5, nameof(TrialEnd.GivenUp), 1L << 30, 8);

        Assert.Equal(told, TrialEvent.FromLine(told.ToLine()));
    }

    [Fact]
    public void Add_OfATrialThatTheGroupHasNot_CountsForNothing()
    {
        var results = new TrialResults([Configuration], new TrainingOptions(), leastSteps: 1);
        results.Add(new TrialEvent(0, 0.5));
        results.Add(new TrialEvent(1, 0.1));

        Assert.Equal([0.5], Assert.Single(results.Conclude(failure: null)).UpdateSeconds);
    }

    [Fact]
    public void Conclude_OfATrialOverItsMemory_HasItsPeakAndNoSpeed()
    {
        var results = new TrialResults([Configuration], new TrainingOptions(), leastSteps: 1);
        results.Add(new TrialEvent(0, LocalBatchSize: 2, PeakMemoryBytes: 300));
        results.Add(new TrialEvent(0, 0.5));
        results.Add(new TrialEvent(0, LocalBatchSize: 8, PeakMemoryBytes: 900));
        results.Add(new TrialEvent(0, End: nameof(TrialEnd.OverMemory), PeakMemoryBytes: 900));

        TrialResult result = Assert.Single(results.Conclude(failure: null));
        Assert.Equal((TrialEnd.OverMemory, 900L), (result.End, result.PeakMemoryBytes));
        Assert.Empty(result.UpdateSeconds);
        Assert.Equal([new MemoryPoint(1, Precision.Fp32, false, 2, 300), new MemoryPoint(1, Precision.Fp32, false, 8, 900)], results.Memory);
    }

    [Fact]
    public void Conclude_OfATrialThatTheEndOfTheTimeCutOff_CountsWithWholeUpdatesOfEnoughSteps()
    {
        TuningConfiguration accumulating = Configuration with { Batch = new TrainingBatch(4, 2) };
        var results = new TrialResults([Configuration, accumulating], new TrainingOptions(), leastSteps: 2);
        results.Add(new TrialEvent(0, 0.5));
        results.Add(new TrialEvent(1, 0.5)); // one update of two steps

        Assert.Equal([TrialEnd.NotTried, TrialEnd.Measured], results.Conclude(failure: null).Select(result => result.End));
    }

    private static TuningConfiguration Configuration => new(1, 1, Precision.Fp32, false, 1, new TrainingBatch(8, 1));
}
