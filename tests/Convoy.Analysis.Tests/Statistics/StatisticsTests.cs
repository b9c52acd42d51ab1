using Convoy.Analysis.Runs;
using Convoy.Analysis.Statistics;

namespace Convoy.Analysis.Tests.Statistics;

public sealed class StatisticsTests
{
    [Fact]
    public void Quantile_OfKnownValues_InterpolatesLinearly()
    {
        Assert.Equal(2.5, OrderStatistics.Median([4, 1, 3, 2]));
        Assert.Equal(1.75, OrderStatistics.Quantile([4, 1, 3, 2], 0.25), 1e-12);
        Assert.Throws<ArgumentException>(() => OrderStatistics.Median([]));
    }

    [Theory]
    [InlineData(1, 1, 0)]
    [InlineData(3, 1, 1)]
    [InlineData(10, 1, 2)]
    [InlineData(50, 1, 5)]
    [InlineData(1000, 1, 20)]
    [InlineData(10, 4, 4)]
    [InlineData(50, 2, 6)]
    [InlineData(3, 2, 0)]
    public void StepsToLeaveOut_OfARun_AreATenthInWholeUpdates(int steps, int stepsPerUpdate, int expected) =>
        Assert.Equal(expected, WarmUp.StepsToLeaveOut(steps, stepsPerUpdate));

    [Fact]
    public void Replicates_OfTheSameSeed_AreTheSame()
    {
        double[][] groups = [[1, 2, 3, 4, 5], [2, 3, 4]];

        Assert.Equal(Bootstrap.Replicates(groups, 7), Bootstrap.Replicates(groups, 7));
        Assert.NotEqual(Bootstrap.Replicates(groups, 7), Bootstrap.Replicates(groups, 8));
        Assert.Empty(Bootstrap.Replicates([[1]], 7));
    }

    [Fact]
    public void Interval_OfNormalSamples_HoldsTheTrueMedianInAbout95Of100Cases()
    {
        var random = new Random(1);
        int inside = 0;
        for (int i = 0; i < 200; i++)
        {
            // A sum of 12 uniform values, less 6, is close to normal.
            double[] sample = [.. Enumerable.Range(0, 31).Select(_ => 10 + Enumerable.Range(0, 12).Sum(_ => random.NextDouble()) - 6)];
            inside += Bootstrap.PercentileInterval(Bootstrap.Replicates([sample], i))!.Value.Contains(10) ? 1 : 0;
        }

        Assert.InRange(inside, 180, 198);
    }

    [Fact]
    public void Replicates_OfRunsThatDiffer_SpreadMoreThanTheirSteps()
    {
        // Steps within a run agree, runs do not: only drawing runs shows it.
        Interval interval = Bootstrap.PercentileInterval(Bootstrap.Replicates([[1.00, 1.01, 1.00], [1.20, 1.21, 1.20], [1.10, 1.11, 1.10]], 0))!.Value;

        Assert.True(interval.Low <= 1.01 && interval.High >= 1.19, interval.ToString());
    }

    [Fact]
    public void Solve_OfAProblemWhoseBestFitIsNegative_StaysAtTheBound()
    {
        // y = 2 - x: without bounds the second coefficient is -1.
        double[] solution = NonNegativeLeastSquares.Solve(new double[,] { { 1, 0 }, { 1, 1 }, { 1, 2 } }, [2, 1, 0]);

        Assert.Equal([1, 0], solution.Select(v => Math.Round(v, 9)));
    }

    [Fact]
    public void Solve_OfAnExactProblem_FindsItsCoefficients()
    {
        double[] solution = NonNegativeLeastSquares.Solve(new double[,] { { 1, 1, 0 }, { 0.5, 1, 1 }, { 0.25, 1, 3 }, { 0.125, 1, 7 } }, [11, 6.1, 3.8, 2.95]);

        Assert.Equal([10, 1, 0.1], solution.Select(v => Math.Round(v, 9)));
    }

    [Fact]
    public void Leverage_OfAMean_IsOneOverTheCount()
    {
        Assert.Equal(0.25, NonNegativeLeastSquares.Leverage(new double[,] { { 1 }, { 1 }, { 1 }, { 1 } }, [1])!.Value, 1e-12);
        Assert.Null(NonNegativeLeastSquares.Leverage(new double[,] { { 1, 2 }, { 2, 4 } }, [1, 1]));
    }
}
