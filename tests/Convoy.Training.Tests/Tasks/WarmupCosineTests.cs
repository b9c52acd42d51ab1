using Convoy.Training.Tasks;

namespace Convoy.Training.Tests.Tasks;

public sealed class WarmupCosineTests
{
    [Fact]
    public void At_WarmUpAndCosine_HasTheFormulasValues()
    {
        var schedule = new WarmupCosine(0.1, totalUpdates: 14, warmupUpdates: 4);

        Assert.Equal([0.025, 0.05, 0.075, 0.1], Enumerable.Range(0, 4).Select(update => Math.Round(schedule.At(update), 12)));
        Assert.Equal(0.1, schedule.At(4), 12);
        Assert.Equal(0.05, schedule.At(9), 12);
        Assert.Equal(0.1 * 0.5 * (1 + Math.Cos(Math.PI * 0.9)), schedule.At(13), 12);
        Assert.Equal(0, schedule.At(14), 12);
        Assert.Equal(0, schedule.At(100), 12);
    }

    [Fact]
    public void At_NoWarmUp_StartsAtTheBaseRate() => Assert.Equal(0.1, new WarmupCosine(0.1, 10, 0).At(0));

    [Fact]
    public void At_OnlyWarmUp_EndsAtTheBaseRate()
    {
        var schedule = new WarmupCosine(0.1, 2, 2);

        Assert.Equal(0.1, schedule.At(1), 12);
        Assert.Equal(0, schedule.At(2), 12);
    }

    [Theory]
    [InlineData(0, 1, 0)]
    [InlineData(0.1, 0, 0)]
    [InlineData(0.1, 5, -1)]
    [InlineData(0.1, 5, 6)]
    public void Constructor_OutOfRange_IsRefused(double rate, long updates, long warmup) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new WarmupCosine(rate, updates, warmup));
}
