using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Tests.Planted;

namespace Convoy.Analysis.Tests.Conclusions;

/// <summary>Efficiencies above 110 %: the likely fault of what they are against.</summary>
public sealed class BaselineDoubtTests
{
    private static readonly PlantedMachine Machine = new() { RecordsUsage = true, Noise = 0 };

    [Theory]
    [InlineData(10, 5, false)]
    [InlineData(10, 4.6, false)]
    [InlineData(10, 4.5, true)]
    public void Warnings_OfAnEfficiency_SpeakOfItFrom110PercentOn(double one, double two, bool expected)
    {
        // 10 / 4.6 / 2 is 108.7 %, 10 / 4.5 / 2 is 111.1 %.
        Report report = ReportBuilder.Build(RunSet.From([Times.Run((1, one)), Times.Run((2, two))]), new ReportOptions());

        Assert.Equal(expected, report.Warnings.Any(w => w.StartsWith("The efficiency of 2 processes, fp32 is 111.1 %, more than the processes can bring: the fault is most likely with 1 process, fp32, which it is against. It was disturbed, or", StringComparison.Ordinal)));
    }

    [Fact]
    public void Warnings_OfABaselineWhoseTimeVaries_SayByHowMuch()
    {
        Report report = ReportBuilder.Build(
            RunSet.From([Times.Run(new Configuration(1), 8, 14), Times.Run(new Configuration(2), 4)]), new ReportOptions());

        Assert.Contains(report.Warnings, w => w.Contains("Its time varies by 27.3 % to either side", StringComparison.Ordinal));
    }

    [Fact]
    public void Warnings_OfABaselineWithMoreThreads_NameThem()
    {
        Report report = ReportBuilder.Build(
            RunSet.From([Times.Run(new Configuration(1, 2), 10), Times.Run(new Configuration(2, 1), 4)]), new ReportOptions());

        Assert.Contains(report.Warnings, w => w.Contains("It computes with 2 threads in each process and 2 processes x 1 thread, fp32 with 1", StringComparison.Ordinal));
    }

    [Fact]
    public void Warnings_OfABaselineOffItsCore_SaySo()
    {
        // Alone it takes 12 s and is on a core for 8; two processes take 4 s each.
        Report report = Report(one: 12, cpu: 8);

        Assert.Contains(report.Warnings, w => w.Contains("Of its 12.000 s it was on a core for 8.000 s only: other programs had it.", StringComparison.Ordinal));
    }

    [Fact]
    public void Warnings_OfABaselineWhoseSamplesCostMore_SpeakOfCaches()
    {
        Report report = Report(one: 12, cpu: 12);

        Assert.Contains(report.Warnings, w => w.Contains("It takes more processor time for an image than more processes do", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0.05, null)]
    [InlineData(0.5, "Other programs had the cores while the configurations were measured that speed-ups are against: 1 process x 1 thread, fp32 for 50.0 % of its time.")]
    public void Warnings_OfABaselineInTheRunQueue_SayThatTheTimesSayLittle(double share, string? expected)
    {
        Run[] runs = [.. Machine.Measure(1, 1, 2).Runs];
        runs[0] = runs[0] with { Usage = runs[0].Usage with { QueueSeconds = share * 8 } };

        Assert.Equal(expected is not null, ReportBuilder.Build(RunSet.From(runs), new ReportOptions()).Warnings.Any(w => w.StartsWith(expected ?? "Other programs", StringComparison.Ordinal)));
    }

    private static Report Report(double one, double cpu)
    {
        Run[] runs = [.. Machine.Measure(1, 1, 2).Runs];
        runs[0] = (Machine with { ComputeSeconds = one }).Measure(1, 1).Runs[0];
        runs[0] = runs[0] with { Usage = runs[0].Usage with { CpuSeconds = cpu } };
        return ReportBuilder.Build(RunSet.From(runs), new ReportOptions());
    }
}
