using Convoy.Analysis.Bottlenecks;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Rendering.Html;

/// <summary>Causes of lost time with their evidence, the laws fitted to the times, and what they foretell.</summary>
internal static class HtmlExplanations
{
    public static void Write(HtmlText html, Report report)
    {
        if (report.Causes.Count > 0)
        {
            html.Section("causes", "Causes of lost time", () => Causes(html, report));
        }

        if (report.Series.Any(s => s.Models.Assessments.Count > 0))
        {
            html.Section("models", "Models and predictions", () =>
            {
                Models(html, report);
                if (report.Series.Any(s => s.Predictions.Count > 0))
                {
                    html.Element("h3", "Predictions");
                    Predictions(html, report);
                }
            });
        }
    }

    private static void Causes(HtmlText html, Report report)
    {
        html.Raw("<ol class=\"causes\">");
        foreach (Cause cause in report.Causes)
        {
            string severity = cause.Severity.ToString().ToLowerInvariant();
            html.Raw("<li>")
                .Raw($"<h3>{HtmlText.Escape(cause.Title)} <span class=\"badge {severity}\">{severity}, {Wording.Percent(cause.Share)}</span></h3>")
                .Element("p", cause.Explanation)
                .Element("p class=\"advice\"", cause.Advice);
            if (cause.Places.Count == 1)
            {
                Evidence(html, cause.Places[0]);
            }
            else
            {
                Evidence(html, cause);
            }

            html.Raw("</li>");
        }

        html.Raw("</ol>");
    }

    private static void Evidence(HtmlText html, Conclusion conclusion)
    {
        html.Raw("<dl class=\"evidence\">");
        foreach (Evidence evidence in conclusion.Evidence)
        {
            html.Raw("<div>").Element("dt", evidence.Name).Element("dd", evidence.ValueText).Raw("</div>");
        }

        if (conclusion.Threshold > 0)
        {
            html.Raw("<div>").Element("dt", "named from").Element("dd", $"{Wording.Percent(conclusion.Threshold)} of the time").Raw("</div>");
        }

        html.Raw("</dl>");
    }

    // One column a configuration, so that they can be compared.
    private static void Evidence(HtmlText html, Cause cause)
    {
        var table = new HtmlTable($"{cause.Title}: the numbers of each configuration", ["<evidence", .. cause.Places.Select(p => p.Configuration.ToString())]);
        table.Add(["share of the time", .. cause.Places.Select(p => Wording.Percent(p.Share))]);
        foreach (string name in cause.Places.SelectMany(p => p.Evidence).Select(e => e.Name).Distinct())
        {
            table.Add([name, .. cause.Places.Select(p => p.Evidence.FirstOrDefault(e => e.Name == name)?.ValueText ?? HtmlTable.Unknown)]);
        }

        if (cause.Places[0].Threshold > 0)
        {
            table.Add(["named from", .. cause.Places.Select(p => Wording.Percent(p.Threshold))]);
        }

        table.WriteTo(html);
    }

    private static void Models(HtmlText html, Report report)
    {
        var table = new HtmlTable("Models and how far off they are at points that they were not fitted on", "<model", "<precision", "<parameters", "leave-one-out error", "<");
        foreach (SeriesReport series in report.Series)
        {
            foreach (ModelAssessment model in series.Models.Assessments)
            {
                bool used = ReferenceEquals(model, series.Models.Best);
                string[] cells =
                [
                    model.Fit.Model.Name,
                    series.Series.Precision,
                    string.Join(", ", model.Fit.Parameters.Select(p => Wording.Text($"{p.Key.Replace('_', ' ')} {p.Value:G4}"))),
                    model.LeaveOneOutError is { } error ? Wording.Percent(error) : "too few points",
                    used ? "used" : "",
                ];
                if (used)
                {
                    table.AddMarked(cells);
                }
                else
                {
                    table.Add(cells);
                }
            }
        }

        table.WriteTo(html);
        html.Element("p class=\"hint\"", "Each measured point is left out once and predicted from the others; the error is the mean distance. The model with the lowest error is used.");
    }

    private static void Predictions(HtmlText html, Report report)
    {
        var table = new HtmlTable("Predicted times", "processes", "<precision", "<network", "seconds", "95 % interval", "speed-up", "<model");
        foreach (Prediction prediction in report.Series.SelectMany(s => s.Predictions))
        {
            table.Add(
                HtmlTable.Cell(prediction.Processes),
                prediction.Precision,
                prediction.Link is { } link ? Wording.Text($"{link.GigabitsPerSecond} Gbit/s, {link.LatencyMicroseconds} us") : "as measured",
                Wording.SecondsAlone(prediction.Seconds),
                HtmlTable.Cell(prediction.Interval, Wording.SecondsAlone),
                Wording.Text($"{prediction.Speedup:0.00}"),
                prediction.ModelName);
        }

        table.WriteTo(html);
    }
}
