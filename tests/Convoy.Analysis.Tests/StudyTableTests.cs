using System.Text.Json;
using Convoy.Analysis.Reading;
using Convoy.Analysis.Rendering;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Tests;

/// <summary>The tables of the study that Convoy follows, from file to report.</summary>
public sealed class StudyTableTests : IDisposable
{
    private const string Times = "1,403.41\n2,253.93\n3,174.35\n4,168.99\n";
    private const string WithHeader = "processes,seconds\n" + Times;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Times)]
    [InlineData(WithHeader)]
    public void Report_OfTheGpuTable_HasItsSpeedupsAndRecommendation(string csv)
    {
        Report report = ReportBuilder.Build(RunReader.Read([_folder.Write("t.csv", csv)]), new ReportOptions());
        IReadOnlyList<ScalingPoint> points = report.Series.Single().Series.Points;

        Assert.Equal(["1.00", "1.59", "2.31", "2.39"], points.Select(p => FormattableString.Invariant($"{p.Speedup:0.00}")));
        Assert.Equal(["100.0", "79.4", "77.1", "59.7"], points.Select(p => FormattableString.Invariant($"{p.Efficiency * 100:0.0}")));
        Assert.Equal(3, report.Recommendation.Configuration.Processes);
        Assert.Equal(4, report.Recommendation.Fastest.Processes);
        Assert.Equal("3.1", FormattableString.Invariant($"{report.Recommendation.FastestGain * 100:0.0}"));
        Assert.Contains("gains only 3.1 % over 3 processes, fp32 with 1 more process", report.Summary[0], StringComparison.Ordinal);
    }

    [Fact]
    public void PrecisionGain_OfTheMixedPrecisionTable_Is18Point65Percent()
    {
        Report report = ReportBuilder.Build(RunReader.Read([_folder.Write("t.csv", "processes,seconds,precision\n1,96.63,fp32\n1,78.61,fp16\n")]), new ReportOptions());

        var gain = Assert.Single(report.PrecisionGains);
        Assert.Equal(("fp16", "fp32", "18.65"), (gain.Precision, gain.Against, FormattableString.Invariant($"{gain.TimeSaved * 100:0.00}")));
    }

    [Fact]
    public void Prediction_OfTheFourthTimeFromThree_ComesWithItsIntervalAndItsErrorIsPrinted()
    {
        Report report = ReportBuilder.Build(RunReader.Read([_folder.Write("t.csv", string.Join('\n', Times.Split('\n')[..3]))]), new ReportOptions { Predict = [4] });
        Prediction fourth = report.Series.Single().Predictions.Single();
        double error = (fourth.Seconds / 168.99) - 1;

        TestContext.Current.TestOutputHelper!.WriteLine(FormattableString.Invariant(
            $"predicted {fourth.Seconds:0.00} s ({fourth.Interval.Low:0.00} to {fourth.Interval.High:0.00}) by {fourth.ModelName}, measured 168.99 s, error {error * 100:0.0} %"));
        Assert.Equal("amdahl", fourth.ModelName);
        Assert.True(fourth.Interval.Contains(168.99), "the measured time lies outside the interval");
        Assert.InRange(error, -0.25, 0.25);
    }

    [Fact]
    public void ReportJson_OfTheGpuTable_IsTheContract()
    {
        Report report = ReportBuilder.Build(RunReader.Read([_folder.Write("t.csv", Times)]), new ReportOptions { Predict = [8], PricePerProcessHour = 0.9 });
        using var stream = new MemoryStream();
        new JsonReportRenderer().Render(report, stream);
        JsonElement root = JsonDocument.Parse(stream.ToArray()).RootElement;

        Assert.Equal(1, root.GetProperty("baseline_processes").GetInt32());
        JsonElement second = root.GetProperty("configurations")[1];
        Assert.Equal((2, "fp32", 253.93), (second.GetProperty("processes").GetInt32(), second.GetProperty("precision").GetString(), second.GetProperty("seconds").GetDouble()));
        Assert.Equal(JsonValueKind.Null, second.GetProperty("seconds_low").ValueKind);
        Assert.Equal(JsonValueKind.Null, second.GetProperty("images_per_second").ValueKind);
        Assert.Equal(403.41 / 253.93, second.GetProperty("speedup").GetDouble(), 1e-12);
        JsonElement recommendation = root.GetProperty("recommendation");
        Assert.Equal((3, 4), (recommendation.GetProperty("processes").GetInt32(), recommendation.GetProperty("fastest_processes").GetInt32()));
        Assert.Equal("smallest configuration within 5 % of the fastest", recommendation.GetProperty("rule").GetString());
        Assert.All(root.GetProperty("models").EnumerateArray(), m => Assert.True(m.GetProperty("parameters").EnumerateObject().Any()));
        Assert.Equal(8, root.GetProperty("predictions")[0].GetProperty("processes").GetInt32());
        Assert.Equal(403.41 / 3600 * 0.9, root.GetProperty("cost").GetProperty("configurations")[0].GetProperty("price").GetDouble(), 1e-12);
        Assert.Equal(0, root.GetProperty("breakdown").GetArrayLength());
    }

    [Fact]
    public void Markdown_OfTheGpuTable_IsTheSameUnderEveryCulture()
    {
        Report report = ReportBuilder.Build(RunReader.Read([_folder.Write("t.csv", Times)]), new ReportOptions { Predict = [8] });
        string text = MarkdownReportRenderer.Text(report);

        Assert.Contains("|         3 |       - | fp32      |  174.35 |             - |         - |     2.31 |     77.1 % |                 - | recommended |", text, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", text, StringComparison.Ordinal);
    }
}
