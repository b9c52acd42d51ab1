using Convoy.Analysis.Statistics;

namespace Convoy.Analysis.Tests.Statistics;

public sealed class PairedRatioTests
{
    [Fact]
    public void Estimate_OfTwoPairs_IsTheirGeometricMeanWithStudentsInterval()
    {
        PairedRatio ratio = PairedRatio.Estimate([(2, 1), (24, 3)]);

        Assert.Equal(4, ratio.Value, 1e-12);
        // Logarithms ln 2 and ln 8: their standard error is ln 2, and t of one degree of freedom tan(0.475 pi).
        double half = Math.Tan(0.475 * Math.PI) * Math.Log(2);
        Assert.Equal(Math.Log(4) - half, Math.Log(ratio.Interval!.Value.Low), 1e-9);
        Assert.Equal(Math.Log(4) + half, Math.Log(ratio.Interval.Value.High), 1e-9);
    }

    [Fact]
    public void Estimate_OfPairsThatDriftTogether_HasANarrowInterval()
    {
        PairedRatio ratio = PairedRatio.Estimate([(3, 2), (30, 20), (0.3, 0.2)]);

        Assert.Equal((1.5, 1.5, 1.5), (Math.Round(ratio.Value, 12), Math.Round(ratio.Interval!.Value.Low, 12), Math.Round(ratio.Interval.Value.High, 12)));
    }

    [Fact]
    public void Estimate_OfOnePair_HasNoInterval() => Assert.Equal(new PairedRatio(2, null), PairedRatio.Estimate([(4, 2)]));

    [Fact]
    public void Estimate_OfNothingOrZero_Throws()
    {
        Assert.Throws<ArgumentException>(() => PairedRatio.Estimate([]));
        Assert.Throws<ArgumentException>(() => PairedRatio.Estimate([(1, 0)]));
        Assert.Throws<ArgumentException>(() => PairedRatio.Estimate([(-1, 2)]));
    }
}
