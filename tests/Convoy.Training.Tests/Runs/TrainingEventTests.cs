using Convoy.Training.Runs;
using Convoy.Metrics;

namespace Convoy.Training.Tests.Runs;

public sealed class TrainingEventTests
{
    private static readonly StepMetrics Step = new()
    {
        Timestamp = DateTimeOffset.UnixEpoch, Rank = 0, Step = 3, Loss = 0.1 + 0.2, BatchSize = 8, LearningRate = 1e-5, ElapsedTime = 2.5, StepTime = 0.5,
    };

    public static TheoryData<TrainingEvent> Events =>
    [
        new TrainingEvent { Started = new TrainingStart(1, 20, 5) },
        new TrainingEvent { Step = Step },
        new TrainingEvent { Step = Step with { Loss = double.NaN } },
        new TrainingEvent { Checkpoint = "/runs/a \"b\"\nü" },
    ];

    [Theory]
    [MemberData(nameof(Events), DisableDiscoveryEnumeration = true)]
    public void FromLine_WrittenEvent_IsTheSame(TrainingEvent what)
    {
        string line = what.ToLine();

        Assert.DoesNotContain('\n', line);
        Assert.Equal(what, TrainingEvent.FromLine(line));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a library's message")]
    [InlineData("{ half")]
    [InlineData("{\"step\":5}")]
    [InlineData("[W socket.cpp] {x}")]
    public void FromLine_OtherOutput_IsNull(string line) => Assert.Null(TrainingEvent.FromLine(line));
}
