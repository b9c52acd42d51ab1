using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Rendering.Html;

/// <summary>What to take away: the numbers that matter, sentences, the command, and what to know before believing them.</summary>
internal static class HtmlSummary
{
    public static void Write(HtmlText html, Report report)
    {
        html.Section("summary", "Summary", () =>
        {
            html.Raw("<dl class=\"tiles\">");
            foreach ((string name, string value, string note) in Tiles(report))
            {
                html.Raw("<div>").Element("dt", name).Raw($"<dd>{HtmlText.Escape(value)}{(note.Length > 0 ? $" <small>{HtmlText.Escape(note)}</small>" : "")}</dd>").Raw("</div>");
            }

            html.Raw("</dl>").List(report.Summary, "sentences");
            if (report.Recommendation.Command is { } command)
            {
                html.Element("p class=\"command-title\"", report.Runs.Basis == TimeBasis.Run ? "To start it in the recommended configuration:" : "To train in the recommended configuration:")
                    .Raw($"<pre class=\"command\" tabindex=\"0\"><code>{Words(command)}</code></pre>");
            }
        });
        if (report.Warnings.Count > 0)
        {
            html.Raw("<aside class=\"warnings\" aria-labelledby=\"warnings-title\">")
                .Element("h2 id=\"warnings-title\"", report.Warnings.Count == 1 ? "Warning" : "Warnings")
                .List(report.Warnings)
                .Raw("</aside>");
        }
    }

    // A line may break between words but not within one, as it would at an option's hyphens.
    private static string Words(string command) => string.Join(' ', command.Split(' ').Select(w => $"<span>{HtmlText.Escape(w)}</span>"));

    private static IEnumerable<(string Name, string Value, string Note)> Tiles(Report report)
    {
        Recommendation recommendation = report.Recommendation;
        ScalingPoint point = report.Series.SelectMany(s => s.Series.Points).First(p => p.Measurement.Configuration == recommendation.Configuration);
        yield return (!report.Runs.HasComparableWork ? "Least time" : report.Runs.Measurements.Count > 1 ? "Recommended" : "Measured", recommendation.Configuration.ToString(), "");
        yield return (
            $"Time of {Wording.WithArticle(report.Runs.TimeNoun)}",
            Wording.Seconds(point.Measurement.Seconds),
            point.Measurement.SamplesPerSecond is { } rate ? Wording.Text($"{rate:0.00} {report.Runs.SampleNoun}s/s") : "");
        if (report.Series.Any(s => s.Series.Points.Count > 1))
        {
            yield return ("Speed-up", Wording.Text($"{point.Speedup:0.00} \u00d7"), $"efficiency {Wording.Percent(point.Efficiency)}");
        }

        if (recommendation.Fastest != recommendation.Configuration)
        {
            yield return ("Fastest", recommendation.Fastest.ToString(), $"gains {Wording.Percent(recommendation.FastestGain)}");
        }

        if (report.PrecisionGains.Where(g => g.TimeSaved > 0).MaxBy(g => g.TimeSaved) is { } gain)
        {
            yield return ($"{gain.Precision} saves", Wording.Text($"{gain.TimeSaved * 100:0.00} %"), Wording.Text($"against {gain.Against}, {gain.Processes} {(gain.Processes == 1 ? "process" : "processes")}"));
        }
    }
}
