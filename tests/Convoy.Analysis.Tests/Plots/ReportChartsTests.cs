using Convoy.Analysis.Plots;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Tests.Planted;
using Convoy.Analysis.Tests.Rendering;

namespace Convoy.Analysis.Tests.Plots;

public sealed class ReportChartsTests
{
    [Fact]
    public void Charts_OfAFullReport_AreAllThatThereAre() =>
        Assert.Equal(PlotFolder.ChartNames.Order(), ReportCharts.Make(StudyReports.Machine()).Select(c => c.Name).Order());

    [Fact]
    public void Charts_OfOneTime_AreNone() =>
        Assert.Empty(ReportCharts.Make(ReportBuilder.Build(RunSet.From([Times.Run((1, 3.5))]), new ReportOptions())));

    [Fact]
    public void Speedup_OfTheGpuTable_StandsBesideTheIdealLine()
    {
        LineChart chart = Lines(StudyReports.Gpus(), "speedup");

        Assert.Equal(["1.00", "1.59", "2.31", "2.39"], chart.Series[1].Points.Select(p => p.Label));
        Assert.Equal([1, 4], chart.Series[0].Points.Select(p => p.Y));
        Assert.Equal(["1", "2", "3", "4"], chart.X.Ticks.Select(t => t.Label));
    }

    [Fact]
    public void Axes_OfLineCharts_BeginAtZeroAndHoldTheirPoints() => Assert.All(
        ReportCharts.Make(StudyReports.Machine()).OfType<LineChart>(),
        chart =>
        {
            Assert.Equal(0, chart.Y.Min);
            Assert.All(chart.Series.SelectMany(s => s.Points), p => Assert.True(p.Y <= chart.Y.Max && p.X >= chart.X.Min && p.X <= chart.X.Max, $"{chart.Name}: {p}"));
        });

    [Fact]
    public void Phases_OfEveryBar_AddUpToItsTime()
    {
        Report report = StudyReports.Machine();
        var chart = (BarChart)ReportCharts.Make(report).Single(c => c.Name == "phases");

        Assert.All(report.Runs.Measurements.Zip(chart.Rows), pair => Assert.Equal(pair.First.Seconds, pair.Second.Total, 1e-9));
    }

    [Fact]
    public void Loss_ThatIsNotANumber_IsAGap()
    {
        LineChart chart = Lines(OfSteps(new RunStep(1, 1, 0.5, false), new RunStep(2, 1, double.NaN, false), new RunStep(3, 1, 0.25, false)), "loss");

        Assert.Equal([0.5, double.NaN, 0.25], chart.Series[0].Points.Select(p => p.Y));
        Assert.Equal("not a number", chart.Series[0].Points[1].YText);
        Assert.Contains("gaps", chart.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void StepTime_OfALongFirstStep_LiesBeyondTheAxis()
    {
        LineChart chart = Lines(OfSteps(new RunStep(1, 50, null, true), new RunStep(2, 1, null, false), new RunStep(3, 1.1, null, false)), "step-time");

        Assert.Equal([true, false, false], chart.Series[0].Points.Select(chart.IsBeyond));
        Assert.InRange(chart.Y.Max, 1.1, 2);
        Assert.Equal(1, chart.LeftOutUntil);
        Assert.Contains("arrow", chart.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void StepTime_OfALongRun_HasMeansOfSteps()
    {
        LineChart chart = Lines(OfSteps([.. Enumerable.Range(1, 1000).Select(i => new RunStep(i, i, null, false))]), "step-time");

        Assert.Equal(112, chart.Series[0].Points.Count); // 9 steps a point
        Assert.Equal(("steps 1 to 9", 5.0), (chart.Series[0].Points[0].XText, chart.Series[0].Points[0].Y));
    }

    [Fact]
    public void Steps_WhoseNumbersGoBack_AreNumberedThrough()
    {
        LineChart chart = Lines(OfSteps(new RunStep(1, 1, null, false), new RunStep(2, 1, null, false), new RunStep(1, 1, null, false)), "step-time");

        Assert.Equal([1.0, 2.0, 3.0], chart.Series[0].Points.Select(p => p.X));
    }

    [Fact]
    public void Processes_OfAWideRange_LieOnALogarithmicAxis()
    {
        LineChart chart = Lines(ReportBuilder.Build(RunSet.From([.. new[] { 1, 8, 64 }.Select(n => Times.Run((n, 100.0 / n)))]), new ReportOptions()), "speedup");

        Assert.True(chart.X.IsLogarithmic);
        Assert.Equal(0.5, chart.X.Fraction(8), 1e-12);
        Assert.All(chart.Series[0].Points, p => Assert.Equal(p.X, p.Y, 1e-9));
    }

    private static LineChart Lines(Report report, string name) => (LineChart)ReportCharts.Make(report).Single(c => c.Name == name);

    private static Report OfSteps(params RunStep[] steps) =>
        ReportBuilder.Build(RunSet.From([new PlantedMachine().Measure(1, 1).Runs[0] with { Steps = steps }]), new ReportOptions());
}
