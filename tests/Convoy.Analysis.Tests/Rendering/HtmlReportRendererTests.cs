using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Convoy.Analysis.Plots;
using Convoy.Analysis.Rendering.Charts;
using Convoy.Analysis.Rendering.Html;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Tests.Rendering;

public sealed class HtmlReportRendererTests
{
    private static readonly Dictionary<string, Lazy<Report>> Reports = new()
    {
        ["gpus"] = new(StudyReports.Gpus),
        ["machine"] = new(StudyReports.Machine),
        ["one"] = new(() => ReportBuilder.Build(RunSet.From([Times.Run((1, 3.5))]), new ReportOptions())),
        ["precision"] = new(() => ReportBuilder.Build(RunSet.From([Times.Run(new Configuration(1), 96.63), Times.Run(new Configuration(1, null, "<b>&\"fp16"), 78.61)]), new ReportOptions())),
    };

    public static TheoryData<string> Names() => [.. Reports.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Page_OfAnyReport_IsWellFormedAndItsIdsAreUnique(string name)
    {
        XElement[] elements = [.. Page(name).Descendants()];
        string[] ids = [.. elements.Attributes("id").Select(a => a.Value)];
        string[] meant =
        [
            .. elements.Attributes().Where(a => a.Name.LocalName is "aria-labelledby" or "aria-describedby").SelectMany(a => a.Value.Split(' ')),
            .. elements.Attributes("href").Select(a => a.Value.TrimStart('#')),
        ];

        Assert.Equal(ids.Distinct(), ids);
        Assert.NotEmpty(meant);
        Assert.Empty(meant.Except(ids));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Page_OfAnyReport_TakesNothingFromElsewhere(string name)
    {
        string text = HtmlReportRenderer.Text(Reports[name].Value);

        Assert.DoesNotContain("http:", text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("https:", text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("url(", text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("@import", text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Page(name).Descendants(), e => e.Name.LocalName is "link" or "img" or "iframe" or "object" || e.Attribute("src") is not null);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Script_OfThePage_IsTheOneThatItsPolicyAllows(string name)
    {
        XDocument page = Page(name);
        string hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(page.Descendants("script").Single().Value)));

        Assert.Contains($"script-src 'sha256-{hash}'", page.Descendants("meta").Attributes("content").Select(a => a.Value).Single(c => c.StartsWith("default-src", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Plots_OfThePage_HaveWordsAndTheirNumbersAsATable(string name)
    {
        IReadOnlyList<Chart> charts = ReportCharts.Make(Reports[name].Value);
        XElement[] figures = [.. Page(name).Descendants("figure")];

        Assert.Equal(charts.Select(c => c.Title), figures.Select(f => f.Element("h3")!.Value));
        Assert.Equal(charts.Select(c => c.Description), figures.Select(f => f.Element("figcaption")!.Element("p")!.Value));
        Assert.All(figures, f => Assert.NotEmpty(f.Descendants("tbody").Descendants("td")));
        Assert.All(figures.Descendants("g"), g => Assert.False(string.IsNullOrWhiteSpace(g.Element("title")?.Value)));
        Assert.All(figures, f => Assert.NotEmpty(f.Descendants("g")));
    }

    [Fact]
    public void Marks_OfThePage_SayTheNumbersOfTheChart()
    {
        string[] titles = [.. Page("gpus").Descendants("figure").Single(f => f.Attribute("id")!.Value == "plot-speedup").Descendants("g").Select(g => g.Element("title")!.Value)];

        Assert.Equal(["fp32, 1 process: 1.00", "fp32, 2 processes: 1.59", "fp32, 3 processes: 2.31", "fp32, 4 processes: 2.39"], titles);
    }

    [Fact]
    public void Page_OfTheGpuTable_BeginsWithTheRecommendation()
    {
        XElement summary = Page("gpus").Descendants("section").First();

        Assert.StartsWith("Use 3 processes, fp32:", summary.Descendants("li").First().Value, StringComparison.Ordinal);
        Assert.Empty(summary.Descendants("code")); // the table does not say how it was measured
    }

    [Fact]
    public void Page_OfRunsThatRecordedTheirLaunch_BeginsWithTheRecommendationAndItsCommand()
    {
        XElement summary = Page("machine").Descendants("section").First();

        Assert.StartsWith("Use 4 processes x 1 thread, bf16:", summary.Descendants("li").First().Value, StringComparison.Ordinal);
        Assert.Equal("made-up --nproc 4 --workers 2", summary.Descendants("code").Single().Value);
    }

    [Theory]
    [InlineData("gpus")]
    [InlineData("machine")]
    public void SvgFile_OfAnyChart_IsWellFormedAndHasNoVariables(string name) => Assert.All(ReportCharts.Make(Reports[name].Value), chart =>
    {
        string text = Encoding.UTF8.GetString(ChartSvg.File(chart));
        XElement root = XDocument.Parse(text).Root!;

        Assert.Equal(chart.Title, root.Elements().First(e => e.Name.LocalName == "title").Value);
        Assert.Equal(chart.Description, root.Elements().First(e => e.Name.LocalName == "desc").Value);
        Assert.DoesNotContain("var(", text, StringComparison.Ordinal);
        Assert.DoesNotMatch(new Regex("NaN|Infinity"), text);
    });

    private static XDocument Page(string name) => XDocument.Parse(HtmlReportRenderer.Text(Reports[name].Value), LoadOptions.PreserveWhitespace);
}
