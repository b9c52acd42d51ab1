using System.Text;
using Convoy.Analysis.Plots;
using Convoy.Analysis.Rendering;
using Convoy.Analysis.Rendering.Charts;
using Convoy.Analysis.Rendering.Html;
using Convoy.Analysis.Reports;

namespace Convoy.Analysis.Tests.Rendering;

/// <summary>
/// Whole documents against files that were looked at. When a change is meant, look at the file that the failure names and
/// put it in the golden one's place.
/// </summary>
public sealed class GoldenFileTests
{
    public static TheoryData<string> Names() => ["report.html", "report.md", "report.csv", "speedup.svg", "prediction.svg"];

    [Theory]
    [MemberData(nameof(Names))]
    public void Document_OfTheGpuTable_IsTheGoldenOne(string name)
    {
        byte[] actual = Document(StudyReports.Gpus(), name);
        string golden = Path.Combine(AppContext.BaseDirectory, "Rendering", "Golden", Golden(name)), found = Path.Combine(AppContext.BaseDirectory, $"found-{name}");
        File.WriteAllBytes(found, actual);

        Assert.True(
            File.Exists(golden) && Encoding.UTF8.GetString(actual) == File.ReadAllText(golden),
            $"{name} is not what it was: compare {found} with Rendering/Golden/{Golden(name)}.");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Document_OfTheSameReport_HasTheSameBytes(string name) =>
        Assert.Equal(Document(StudyReports.Machine(), name), Document(StudyReports.Machine(), name));

    // Not a document of this repository: its links lead to the report's own plots.
    private static string Golden(string name) => name == "report.md" ? "report.markdown" : name;

    private static byte[] Document(Report report, string name)
    {
        if (name.EndsWith(".svg", StringComparison.Ordinal))
        {
            return ChartSvg.File(ReportCharts.Make(report).Single(c => c.Name == Path.GetFileNameWithoutExtension(name)));
        }

        IReportRenderer[] renderers = [new HtmlReportRenderer(), new CsvReportRenderer(), new MarkdownReportRenderer { HasPlots = true }];
        using var stream = new MemoryStream();
        renderers.Single(r => r.FileName == name).Render(report, stream);
        return stream.ToArray();
    }
}
