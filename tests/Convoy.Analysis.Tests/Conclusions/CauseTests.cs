using System.Text;
using System.Text.Json;
using Convoy.Analysis.Bottlenecks;
using Convoy.Analysis.Rendering;
using Convoy.Analysis.Rendering.Html;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Tests.Planted;

namespace Convoy.Analysis.Tests.Conclusions;

/// <summary>The same cause in two configurations is one.</summary>
public sealed class CauseTests
{
    private static readonly Report Both = Report(new PlantedMachine { Contention = 0.1, Noise = 0 });

    [Fact]
    public void Group_OfOneCauseInTwoPrecisions_IsOneWithBothPlaces()
    {
        Cause cause = Assert.Single(Both.Causes);

        Assert.Equal((ComputeGrowthRule.MemoryContention, 2), (cause.Kind, cause.Places.Count));
        Assert.Equal(2, Both.Conclusions.Count);

        // 0.7 of 1.7 s and, with half the computing, 0.35 of 0.85 s.
        Assert.StartsWith("Each process takes longer for the same number of images the more processes there are. It takes 41.2 % of the time with ", cause.Explanation, StringComparison.Ordinal);
        Assert.Equal(1, Count(cause.Explanation, "Each process"));
        Assert.Equal(1, Count(cause.Explanation, "It takes 41.2 % of the time with 8 processes x 1 thread, bf16 (350 ms)."));
        Assert.Equal(1, Count(cause.Explanation, "It takes 41.2 % of the time with 8 processes x 1 thread, fp32 (700 ms)."));
    }

    [Fact]
    public void Group_OfTwoCauses_HasTheOneThatCostsMostFirst()
    {
        Report report = Report(new PlantedMachine { Contention = 0.1, SerialSeconds = 3, Noise = 0 });

        Assert.Equal([SerialPartRule.SerialPart, ComputeGrowthRule.MemoryContention], report.Causes.Select(c => c.Kind));
        Assert.All(report.Causes, c => Assert.Equal(c.Places.Max(p => p.Share), c.Share));
        Assert.StartsWith("Main cause of lost time: a serial part.", report.Summary.Single(s => s.StartsWith("Main", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public void Documents_OfOneCauseInTwoPlaces_NameItOnceWithTheNumbersOfBoth()
    {
        const string title = "Contention for memory bandwidth or cache";
        string page = HtmlReportRenderer.Text(Both), markdown = MarkdownReportRenderer.Text(Both);
        using var stream = new MemoryStream();
        new JsonReportRenderer().Render(Both, stream);
        JsonElement json = JsonDocument.Parse(Encoding.UTF8.GetString(stream.ToArray())).RootElement;

        Assert.Equal(1, Count(page, $"<h3>{title}"));
        Assert.Equal(1, Count(page, "<th scope=\"row\">computation of one process</th><td class=\"number\">850 ms</td><td class=\"number\">1.700 s</td>") + Count(page, "<th scope=\"row\">computation of one process</th><td class=\"number\">1.700 s</td><td class=\"number\">850 ms</td>"));
        Assert.Equal(1, Count(markdown, $"**{title}**"));
        Assert.Equal(1, Count(markdown, "   - 8 processes x 1 thread, bf16, 41.2 %: computation of one process: 850 ms;"));
        Assert.Equal(1, Count(markdown, "   - 8 processes x 1 thread, fp32, 41.2 %: computation of one process: 1.700 s;"));
        Assert.Equal(1, json.GetProperty("causes").GetArrayLength());
        Assert.Equal(["bf16", "fp32"], json.GetProperty("causes")[0].GetProperty("configurations").EnumerateArray().Select(c => c.GetProperty("precision").GetString()!).Order());
        Assert.Equal(2, json.GetProperty("conclusions").GetArrayLength());
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    private static Report Report(PlantedMachine machine) => ReportBuilder.Build(
        RunSet.From(
        [
            .. machine.Measure(1, 1, 8).Runs,
            .. (machine with { ComputeSeconds = machine.ComputeSeconds / 2 }).Measure(1, 1, 8).Runs.Select(run => run with { Configuration = run.Configuration with { Precision = "bf16" } }),
        ]),
        new ReportOptions());
}
