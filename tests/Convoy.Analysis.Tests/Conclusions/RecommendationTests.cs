using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Tests.Conclusions;

public sealed class RecommendationTests
{
    [Fact]
    public void Recommendation_WhenNothingSmallerIsNear_IsTheFastest()
    {
        var recommendation = Recommendation.Choose(RunSet.From([Times.Run((1, 10)), Times.Run((2, 6)), Times.Run((4, 5))]));

        Assert.Equal((4, 4, 0), (recommendation.Configuration.Processes, recommendation.Fastest.Processes, recommendation.FastestGain));
        Assert.Contains("no smaller configuration comes within 5.0 %", recommendation.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Recommendation_JustAtTheLimit_IsTheSmaller() =>
        Assert.Equal(2, Recommendation.Choose(RunSet.From([Times.Run((2, 10.5)), Times.Run((3, 10))])).Configuration.Processes);

    [Fact]
    public void Recommendation_WhenTimesOverlap_SaysThatTheyAreCloserThanTheirNoise()
    {
        RunSet runs = RunSet.From([Times.Run(new Configuration(2), 9.8, 10.4, 10.1), Times.Run(new Configuration(4), 9.7, 10.3, 10.0)]);

        Assert.False(Recommendation.Choose(runs).IsCertain);
        Assert.Contains("closer than their noise", ReportBuilder.Build(runs, new ReportOptions()).Summary[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Recommendation_OfTheFastestItself_IsCertain() =>
        Assert.True(Recommendation.Choose(RunSet.From([Times.Run(new Configuration(2), 9.8, 10.4, 10.1), Times.Run(new Configuration(4), 4.9, 5.3, 5.0)])).IsCertain);

    [Fact]
    public void Series_OfCoresSharedOutAmongProcesses_IsOne()
    {
        RunSet shared = RunSet.From([Times.Run(new Configuration(1, 2), 10), Times.Run(new Configuration(2, 1), 8)]);
        RunSet crossed = RunSet.From([Times.Run(new Configuration(1, 2), 10), Times.Run(new Configuration(1, 1), 16), Times.Run(new Configuration(2, 1), 8)]);

        Assert.Equal(1.25, Assert.Single(ReportBuilder.Build(shared, new ReportOptions()).Series).Series.Largest.Speedup, 1e-12);
        Assert.Equal([1, 2], ReportBuilder.Build(crossed, new ReportOptions()).Series.Select(s => s.Series.Points.Count).Order());
    }

    [Fact]
    public void Costs_OfWholeRuns_AreProcessesTimesHoursTimesPrice()
    {
        CostEstimate costs = ReportBuilder.Build(RunSet.From([Times.Run((1, 3600)), Times.Run((4, 1200))]), new ReportOptions { PricePerProcessHour = 0.3 }).Costs!;

        Assert.Equal([0.3, 0.4], costs.Costs.Select(c => Math.Round(c.Price, 12)));
    }

    [Fact]
    public void Baseline_OfAStudyWithoutOneProcess_IsTheFewest()
    {
        Report report = ReportBuilder.Build(RunSet.From([Times.Run((4, 6)), Times.Run((2, 10)), Times.Run((8, 7))]), new ReportOptions());

        Assert.Equal(2, report.BaselineProcesses);
        Assert.Equal([1, 0.8333, 0.3571], report.Series[0].Series.Points.Select(p => Math.Round(p.Efficiency, 4)));
        Assert.Equal(4, report.Recommendation.Configuration.Processes);
    }
}
