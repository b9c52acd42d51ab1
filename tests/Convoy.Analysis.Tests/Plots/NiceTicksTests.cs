using Convoy.Analysis.Plots;

namespace Convoy.Analysis.Tests.Plots;

public sealed class NiceTicksTests
{
    [Theory]
    [InlineData(403.41, 0, "0 100 200 300 400 500")]
    [InlineData(0.9, 0, "0.0 0.2 0.4 0.6 0.8 1.0")]
    [InlineData(2, -1, "-1 0 1 2")]
    [InlineData(0, 0, "0.0 0.2 0.4 0.6 0.8 1.0")]
    public void FromZero_OfARange_HasRoundNumbersAroundIt(double largest, double smallest, string labels) =>
        Assert.Equal(labels, string.Join(' ', NiceTicks.FromZero("", largest, smallest).Ticks.Select(t => t.Label)));

    [Theory]
    [InlineData(1, 16, "5 10 15")]
    [InlineData(1, 4, "1 2 3 4")]
    [InlineData(7, 7, "7")]
    public void Whole_OfSteps_HasWholeNumbersBetweenTheEnds(long first, long last, string labels) =>
        Assert.Equal(labels, string.Join(' ', NiceTicks.Whole("", first, last).Ticks.Select(t => t.Label)));
}
