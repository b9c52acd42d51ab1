using System.Security.Cryptography;
using System.Text;
using Convoy.Analysis.Plots;
using Convoy.Analysis.Rendering.Charts;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Rendering.Html;

/// <summary>
/// <c>report.html</c>: the report as one page that needs nothing else, no network and no script; with its script, points
/// show their numbers at once. The same report gives the same bytes.
/// </summary>
public sealed class HtmlReportRenderer : IReportRenderer
{
    /// <inheritdoc/>
    public string FileName => "report.html";

    /// <inheritdoc/>
    public void Render(Report report, Stream destination)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(destination);
        destination.Write(Encoding.UTF8.GetBytes(Text(report)));
    }

    /// <summary>The page as one text.</summary>
    public static string Text(Report report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var html = new HtmlText();
        string script = Resource.Text("report.js");
        html.Raw("<!DOCTYPE html>").Raw("<html lang=\"en\">").Raw("<head>").Raw("<meta charset=\"utf-8\"/>")
            .Raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>")
            .Raw($"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{Hash(script)}'\"/>")
            .Raw("<title>Scaling report</title>")
            .Raw($"<style>\n{ChartStyle.Variables}{ChartStyle.Rules}{Resource.Text("report.css")}</style>")
            .Raw("</head>").Raw("<body>").Raw("<a class=\"skip\" href=\"#content\">Skip to the content</a>");
        IReadOnlyList<Chart> charts = ReportCharts.Make(report);
        Header(html, report, charts.Count > 0);
        html.Raw("<main id=\"content\">");
        HtmlSummary.Write(html, report);
        if (charts.Count > 0)
        {
            html.Section("plots", "Plots", () => Plots(html, report, charts));
        }

        HtmlResults.Write(html, report);
        HtmlExplanations.Write(html, report);
        HtmlMethod.Write(html, report);
        html.Raw("</main>")
            .Raw("<footer><p>Made by <code>convoy report</code>. Every formula, assumption and threshold: <cite>docs/reference/scaling-analysis.md</cite> of Convoy.</p></footer>")
            .Raw($"<script>{script}</script>").Raw("</body>").Raw("</html>");
        return html.ToString();
    }

    private static void Header(HtmlText html, Report report, bool hasPlots)
    {
        html.Raw("<header>").Element("h1", "Scaling report").Element("p class=\"subtitle\"", Subtitle(report))
            .Raw("<nav aria-label=\"Sections\"><ul>");
        (string Id, string Name, bool Is)[] links =
        [
            ("summary", "Summary", true),
            ("plots", "Plots", hasPlots),
            ("times", "Times", true),
            ("causes", "Causes", report.Causes.Count > 0),
            ("models", "Models", report.Series.Any(s => s.Models.Assessments.Count > 0)),
            ("method", "Method", true),
        ];
        foreach ((string id, string name, bool _) in links.Where(l => l.Is))
        {
            html.Raw($"<li><a href=\"#{id}\">{name}</a></li>");
        }

        html.Raw("</ul></nav>").Raw("</header>");
    }

    private static string Subtitle(Report report)
    {
        int runs = report.Runs.Runs.Count, configurations = report.Runs.Measurements.Count;
        string size = report.Runs.Basis == TimeBasis.Step && report.Runs.Measurements[0].BatchSize is { } batch
            ? Wording.Text($", {(report.Runs.IsWeakScaling ? $"{report.Runs.Measurements[0].LocalBatchSize:0.##} {report.Runs.SampleNoun}s a step in each process" : $"{batch} {report.Runs.SampleNoun}s a step")}")
            : "";
        string machine = report.Runs.Host is { } host ? Wording.Text($" on {host.CpuModel ?? "an unnamed processor"} with {host.UsableCores} {(host.UsableCores == 1 ? "core" : "cores")}") : "";
        return Wording.Text($"{configurations} {(configurations == 1 ? "configuration" : "configurations")}, {runs} {(runs == 1 ? "run" : "runs")}{size}{machine}");
    }

    private static void Plots(HtmlText html, Report report, IReadOnlyList<Chart> charts)
    {
        bool hasIntervals = report.Runs.Measurements.Any(m => m.Interval is not null);
        html.Element("p class=\"hint\"", $"{(hasIntervals ? "Bars through points are 95 % intervals. " : "")}Point at a mark, or tab to a plot and use the arrow keys, to read its numbers.")
            .Raw("<div class=\"figures\">");
        foreach (Chart chart in charts)
        {
            HtmlFigure.Write(html, chart);
        }

        html.Raw("</div>");
    }

    private static string Hash(string script) => Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script)));
}

/// <summary>A chart on a page: drawing, description, and its numbers as a table.</summary>
internal static class HtmlFigure
{
    public static void Write(HtmlText html, Chart chart)
    {
        string id = $"plot-{chart.Name}";
        html.Raw($"<figure id=\"{id}\" aria-labelledby=\"{id}-title\">")
            .Element($"h3 id=\"{id}-title\"", chart.Title)
            .Raw(ChartSvg.Inline(chart, $"{id}-title", $"{id}-text"))
            .Raw("<figcaption>")
            .Element($"p id=\"{id}-text\"", chart.Description)
            .Raw("<details><summary>Numbers</summary>");
        switch (chart)
        {
            case LineChart lines:
                Table(lines).WriteTo(html);
                break;
            case BarChart bars:
                Table(bars).WriteTo(html);
                break;
            default:
                throw new ArgumentException($"There is no table of a {chart.GetType().Name}.", nameof(chart));
        }

        html.Raw("</details></figcaption></figure>");
    }

    private static HtmlTable Table(LineChart chart)
    {
        ChartSeries[] series = [.. chart.Series.Where(s => s.Style != SeriesStyle.Reference)];
        var table = new HtmlTable($"Numbers of the plot {chart.Title}", [$"<{chart.X.Title}", .. series.Select(s => s.Name)]);
        var byPlace = series.Select(s => s.Points.ToDictionary(p => p.XText, p => p.YText)).ToArray();
        foreach (string place in series.SelectMany(s => s.Points).OrderBy(p => p.X).Select(p => p.XText).Distinct())
        {
            table.Add([place, .. byPlace.Select(s => s.GetValueOrDefault(place, ""))]);
        }

        return table;
    }

    private static HtmlTable Table(BarChart chart)
    {
        string[] segments = [.. chart.Rows.SelectMany(r => r.Segments).Select(s => s.Name).Distinct()];
        bool stacked = chart.Legend.Count > 0;
        var table = new HtmlTable($"Numbers of the plot {chart.Title}", stacked ? ["<configuration", .. segments, "together"] : ["<configuration", chart.ValueName]);
        foreach (BarRow row in chart.Rows)
        {
            table.Add(stacked ? [row.Label, .. row.Segments.Select(s => s.Text), row.Text] : [row.Label, row.Segments[0].Text]);
        }

        return table;
    }
}
