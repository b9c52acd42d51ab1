using Convoy.Analysis.Plots;
using Convoy.Analysis.Rendering.Svg;

namespace Convoy.Analysis.Rendering.Html;

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
        var table = new HtmlTable($"Numbers of the plot {chart.Title}", stacked ? ["<configuration", .. segments, "together"] : ["<configuration", "time"]);
        foreach (BarRow row in chart.Rows)
        {
            table.Add(stacked ? [row.Label, .. row.Segments.Select(s => s.Text), row.Text] : [row.Label, row.Segments[0].Text]);
        }

        return table;
    }
}
