using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Convoy.Analysis.Reading;
using Convoy.Analysis.Rendering;
using Convoy.Analysis.Rendering.Html;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Metrics;

namespace Convoy.Analysis.Tests.Rendering;

/// <summary>Which kernels computed a run's convolutions, in every form of a report.</summary>
public sealed class KernelsInReportsTests
{
    private const string Line = "45 passes by winograd, 18 by libtorch (1 process";

    [Fact]
    public void Render_ARunThatRecordsItsKernels_SaysThemInALine()
    {
        Report report = Report(new Dictionary<string, int> { ["winograd"] = 45, ["libtorch"] = 18 });

        Assert.Contains($"- Convolutions: {Line}", Text(new MarkdownReportRenderer(), report), StringComparison.Ordinal);
        Assert.Matches($"<dt>Convolutions</dt>\\s*<dd>{Regex.Escape(Line)}", HtmlReportRenderer.Text(report));
        using JsonDocument json = JsonDocument.Parse(Text(new JsonReportRenderer(), report));
        Assert.Equal([("winograd", 45), ("libtorch", 18)], json.RootElement.GetProperty("kernels").EnumerateObject().Select(entry => (entry.Name, entry.Value.GetInt32())));
    }

    [Fact]
    public void Render_ARunThatRecordsNone_SaysNothing()
    {
        Report report = Report(null);

        Assert.DoesNotContain("Convolutions:", Text(new MarkdownReportRenderer(), report), StringComparison.Ordinal);
        Assert.DoesNotContain("<dt>Convolutions", HtmlReportRenderer.Text(report), StringComparison.Ordinal);
        Assert.DoesNotContain("\"kernels\"", Text(new JsonReportRenderer(), report), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("winograd", 0)]
    [InlineData("", 3)]
    public void Read_KernelsThatNoRunCanHave_AreRefused(string name, int passes)
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "metrics.json");
        var step = new StepMetrics { Timestamp = DateTimeOffset.UnixEpoch, Rank = 0, Step = 1, Loss = 1, LearningRate = 0.1, WorldSize = 1, ElapsedTime = 0.1, BatchSize = 4, StepTime = 0.1 };
        MetricsFile.Write(file, new RunMetrics { StartTime = DateTimeOffset.UnixEpoch, EndTime = DateTimeOffset.UnixEpoch.AddSeconds(1), Kernels = new Dictionary<string, int> { [name] = passes }, Metrics = [step] });

        Assert.StartsWith("kernels must be names of up to 100 characters with numbers of passes above 0", Assert.Throws<AnalysisInputException>(() => RunReader.Read([file])).Message, StringComparison.Ordinal);
    }

    private static Report Report(IReadOnlyDictionary<string, int>? kernels) =>
        ReportBuilder.Build(RunSet.From([Times.Run((1, 3.5)) with { Host = HostProbe.Read(), Kernels = kernels }]), new ReportOptions());

    private static string Text(IReportRenderer renderer, Report report)
    {
        using var stream = new MemoryStream();
        renderer.Render(report, stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
