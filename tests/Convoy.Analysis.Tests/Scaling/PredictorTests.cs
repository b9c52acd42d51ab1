using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Scaling;
using Convoy.Analysis.Tests.Planted;

namespace Convoy.Analysis.Tests.Scaling;

public sealed class PredictorTests
{
    [Fact]
    public void Fit_OfTimesThatRiseAgain_FindsBothParametersOfTheUniversalScalabilityLaw()
    {
        const double Single = 100, Sigma = 0.05, Kappa = 0.02;
        SeriesReport series = Report(new ReportOptions { Predict = [16] }, [.. new[] { 1, 2, 4, 6, 8 }.Select(n => (n, Single * (1 + (Sigma * (n - 1)) + (Kappa * n * (n - 1))) / n))]).Series.Single();
        IReadOnlyDictionary<string, double> found = series.Models.Best!.Fit.Parameters;

        Assert.Equal("usl", series.Models.Best.Fit.Model.Name);
        Assert.Equal(Single, found["single_process_seconds"], 1e-6);
        Assert.Equal(Sigma, found["sigma"], 1e-8);
        Assert.Equal(Kappa, found["kappa"], 1e-8);
        Assert.Equal(Single * (1 + (Sigma * 15) + (Kappa * 240)) / 16, series.Predictions[0].Seconds, 1e-6);
    }

    [Fact]
    public void LeaveOneOutError_OfAmdahlOnOtherTimes_IsComputedFromTheOtherPoints()
    {
        // Left out 1: 2 and 4 say s + p/2 = 6, s + p/4 = 4: 10 at 1, measured 10. Exactly Amdahl's: no error anywhere.
        ModelAssessment amdahl = Report(new ReportOptions(), (1, 10), (2, 6), (4, 4)).Series[0].Models.Assessments.Single(a => a.Fit.Model.Name == "amdahl");

        Assert.Equal(0, amdahl.LeaveOneOutError!.Value, 1e-9);
        Assert.Equal(0.2, amdahl.Fit.Parameters["serial_fraction"], 1e-9);
    }

    [Fact]
    public void Predict_FromTwoPoints_SaysThatTheyAreTooFew()
    {
        Report report = Report(new ReportOptions { Predict = [4] }, (1, 10), (2, 6));

        Assert.Empty(report.Series[0].Predictions);
        Assert.Contains(report.Warnings, w => w.StartsWith("No prediction for fp32: it takes 3 numbers of processes at least, and 2 were measured", StringComparison.Ordinal));
    }

    [Fact]
    public void Predict_FarBeyondTheMeasured_ComesWithACaution() =>
        Assert.Contains(
            Report(new ReportOptions { Predict = [8, 32] }, (1, 10), (2, 6), (4, 4.1)).Warnings,
            w => w.StartsWith("32 processes is over 4 times", StringComparison.Ordinal));

    [Theory]
    [InlineData(4, true)]
    [InlineData(5, false)]
    public void Predict_FromFewerThanFiveNumbersOfProcesses_ComesWithACaution(int points, bool expected)
    {
        (int, double)[] times = [(1, 10), (2, 6), (4, 4.1), (6, 3.3), (8, 3)];

        Assert.Equal(expected, Report(new ReportOptions { Predict = [12] }, times[..points]).Warnings.Any(w => w.StartsWith("Predictions for fp32 are from 4 numbers of processes: fewer than 5", StringComparison.Ordinal)));
        Assert.DoesNotContain(Report(new ReportOptions(), times[..points]).Warnings, w => w.StartsWith("Predictions", StringComparison.Ordinal));
    }

    [Fact]
    public void Predict_ForAnotherLink_ExchangesTheModelledExchangeForTheLinks()
    {
        const double Bytes = 50e6;
        var machine = new PlantedMachine { TransferSeconds = 0.4, Noise = 0 };
        var options = new ReportOptions { Predict = [16], Link = new Link(1, 100), GradientBytes = Bytes };

        SeriesReport series = ReportBuilder.Build(machine.Measure(0, 1, 2, 4, 8), options).Series.Single();
        Prediction other = series.Predictions.Single(p => p.Link is not null);

        // 8 / 16 s of computation, 30 messages of 100 us, 30/16 times 50 MB at 10^9 bits a second.
        Assert.Equal(0.5 + 0.003 + (30.0 / 16 * 0.4), other.Seconds, 1e-6);
        Assert.Equal(Bytes / 0.4, series.Models.Assessments.Single(a => a.Fit.Model is CommunicationModel).Fit.Parameters["bytes_per_second"], 1);
        Assert.True(other.Interval.Contains(0.5), "all of the exchange may be hidden");
    }

    [Fact]
    public void Predict_ForAnotherLinkWithoutPhasesOrBytes_SaysWhatIsMissing()
    {
        var link = new Link(10, 5);

        Assert.Contains(Report(new ReportOptions { Predict = [8], Link = link }, (1, 10), (2, 6), (4, 4)).Warnings, w => w.Contains("do not record the phases", StringComparison.Ordinal));
        Assert.Contains(
            ReportBuilder.Build(new PlantedMachine().Measure(0, 1, 2, 4), new ReportOptions { Predict = [8], Link = link, NameOf = p => p == nameof(ReportOptions.GradientBytes) ? "--gradient-mb" : p }).Warnings,
            w => w.Contains("Give --gradient-mb.", StringComparison.Ordinal));
    }

    [Fact]
    public void Predict_FromThreePointsOfOneValueEach_RefusesWhereItsUncertaintyCannotBeTold()
    {
        Report report = ReportBuilder.Build(
            new PlantedMachine { Steps = 1 }.Measure(0, 1, 2, 4), new ReportOptions { Predict = [8], Link = new Link(10, 5), GradientBytes = 1e6 });

        Assert.DoesNotContain(report.Series[0].Predictions, p => p.Link is not null);
        Assert.Contains(report.Warnings, w => w.Contains("how uncertain it would be cannot be told", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0, 1.0, 1.0, "Predict must be from 1 to 1000000 (got 0).")]
    [InlineData(8, 0.0, 1.0, "GigabitsPerSecond must be from 1e-6 to 1e9 (got 0).")]
    [InlineData(8, 1.0, -1.0, "LatencyMicroseconds must be from 0 to 1e9 (got -1).")]
    [InlineData(8, double.NaN, 1.0, "GigabitsPerSecond must be from 1e-6 to 1e9 (got NaN).")]
    public void Validate_OfOptionsOutsideTheirRanges_Refuses(int predict, double gbps, double latency, string message) =>
        Assert.StartsWith(
            message,
            Assert.Throws<AnalysisInputException>(() => new ReportOptions { Predict = [predict], Link = new Link(gbps, latency) }.Validate()).Message,
            StringComparison.Ordinal);

    private static Report Report(ReportOptions options, params (int Processes, double Seconds)[] times) =>
        ReportBuilder.Build(RunSet.From([.. times.Select(Times.Run)]), options);
}
