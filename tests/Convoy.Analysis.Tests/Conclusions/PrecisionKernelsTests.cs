using Convoy.Analysis.Bottlenecks;
using Convoy.Analysis.Rendering;
using Convoy.Analysis.Rendering.Html;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Tests.Planted;
using Convoy.Metrics;

namespace Convoy.Analysis.Tests.Conclusions;

/// <summary>What a precision gains beside what the machine offers: 100 GFLOP/s of one thread in fp32, and some multiple of that in bf16.</summary>
public sealed class PrecisionKernelsTests
{
    private const double Flops = 8e9; // 64 samples in 8 s: 64 GFLOP/s

    [Fact]
    public void Gain_OfNothingWhereTheMachineOffersMuch_IsTheKernels()
    {
        Report report = Report(offer: 8, gain: 1.25);

        Conclusion found = report.Conclusions.Single(c => c.Kind == PrecisionKernels.Kind && c.Configuration.Processes == 1);
        Assert.Equal("Kernels do not use the processor's bf16", found.Title);
        Assert.Contains("This machine multiplies matrices 8.0 times as fast in bf16 as in fp32, and the network gains far less: that is the kernels' doing, not the machine's. The passes of 1 process x 1 thread, bf16 are 1.25 times as fast in bf16 as in fp32; at the machine's ratio they would take 5.400 s less.", found.Explanation, StringComparison.Ordinal);

        // 6.4 s instead of 8 / 8.
        Assert.Equal(5.4, found.LostSeconds, 1e-9);
        Assert.Equal([8, 1.25, 0.1, 0.64], found.Evidence.Select(e => Math.Round(e.Value, 9)));
        Assert.Contains(report.Summary, s => s.EndsWith("The machine multiplies matrices 8.0 times as fast in it: the kernels do not use that.", StringComparison.Ordinal));
        Assert.DoesNotContain(report.Summary, s => s.StartsWith("Main cause", StringComparison.Ordinal));
        Assert.Equal(2, Assert.Single(report.Causes).Places.Count);
    }

    [Fact]
    public void Loss_WhereTheMachineOffersMuch_AdvisesAgainstIt()
    {
        Conclusion found = Report(offer: 8, gain: 0.5).Conclusions[0];

        Assert.Contains("are 2.00 times slower in bf16 than in fp32", found.Explanation, StringComparison.Ordinal);
        Assert.EndsWith("until then stay with fp32.", found.Advice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(8, 2.8)] // a quarter of 7 is 1.75
    [InlineData(1.4, 1)] // the machine offers nothing to speak of
    [InlineData(0.5, 0.5)]
    public void Gain_OfWhatIsThere_HasNoConclusion(double offer, double gain) => Assert.Empty(Report(offer, gain).Conclusions);

    [Fact]
    public void Gain_OfANetworkThatArithmeticDoesNotLimit_HasNoConclusion() =>
        // 1 % of the peak in fp32.
        Assert.Empty(Report(offer: 8, gain: 1, run => run with { FlopsPerSample = 1.25e8 }).Conclusions);

    [Theory]
    [InlineData(0.15, true)]
    [InlineData(0.25, false)]
    public void Gain_OfTimesInWhichOthersHadTheCores_SaysNothingOfKernels(double queued, bool expected) => Assert.Equal(
        expected,
        Report(offer: 8, gain: 1, run => run with { Usage = run.Usage with { QueueSeconds = queued * run.Samples[0] } }).Conclusions.Any(c => c.Kind == PrecisionKernels.Kind));

    [Fact]
    public void Gain_OfRunsThatDoNotRecordTheirArithmetic_ComesWithADoubt() => Assert.Contains(
        "work that is no matrix product would look the same",
        Report(offer: 8, gain: 1, run => run with { FlopsPerSample = null }).Conclusions[0].Explanation,
        StringComparison.Ordinal);

    [Fact]
    public void Gain_OnAMachineThatWasNotMeasured_HasNoConclusion()
    {
        Report report = Report(offer: 8, gain: 1, run => run with { Host = run.Host! with { MatrixPeaks = null } });

        Assert.Empty(report.Conclusions);
        Assert.DoesNotContain(report.Summary, s => s.Contains("matrices", StringComparison.Ordinal));
        Assert.Contains("<td class=\"number\">not measured</td>", HtmlReportRenderer.Text(report), StringComparison.Ordinal);
        Assert.Contains("| not measured |", MarkdownReportRenderer.Text(report), StringComparison.Ordinal);
    }

    [Fact]
    public void Attained_OfAConfiguration_IsItsShareOfAsManyCoresAsItHas()
    {
        Report report = Report(offer: 2, gain: 2, run => run with { Host = run.Host! with { LogicalCores = 1 } });
        ConfigurationMeasurement[] measured = [.. report.Runs.Measurements.Where(m => m.Configuration.Precision == "fp32")];

        // 64 and, with two processes, 128 GFLOP/s; but there is one core, of 100.
        Assert.Equal([(64, 100), (128, 100)], measured.Select(m => (Math.Round(m.Attained!.GigaflopsPerSecond, 9), m.Attained.PeakGigaflopsPerSecond!.Value)));
        Assert.Equal([0.64, 1.28], measured.Select(m => Math.Round(m.Attained!.ShareOfPeak!.Value, 9)));
    }

    [Fact]
    public void Attained_WithMoreCores_IsTheShareOfAllProcesses() => Assert.Equal(
        [0.64, 0.64],
        Report(offer: 2, gain: 2).Runs.Measurements.Where(m => m.Configuration.Precision == "fp32").Select(m => Math.Round(m.Attained!.ShareOfPeak!.Value, 9)));

    private static Report Report(double offer, double gain, Func<Run, Run>? change = null)
    {
        var machine = new PlantedMachine { Noise = 0 };
        return ReportBuilder.Build(
            RunSet.From([.. Runs(machine, "fp32"), .. Runs(machine with { ComputeSeconds = machine.ComputeSeconds / gain }, "bf16")]), new ReportOptions());

        IEnumerable<Run> Runs(PlantedMachine on, string precision) => on.Measure(1, 1, 2).Runs.Select(run => run with
        {
            Configuration = run.Configuration with { Precision = precision },
            FlopsPerSample = Flops,
            Host = run.Host! with { MatrixPeaks = [new MatrixPeak("fp32", 1, 100), new MatrixPeak("bf16", 1, 100 * offer)] },
        }).Select(run => change?.Invoke(run) ?? run);
    }
}
