using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Rendering.Html;

/// <summary>The tables of what was measured, and of what it costs.</summary>
internal static class HtmlResults
{
    public static void Write(HtmlText html, Report report)
    {
        html.Section("times", "Times", () =>
        {
            Times(html, report);
            if (report.Runs.Measurements.Any(m => m.Phases is not null))
            {
                html.Element("h3", report.Runs.Basis == TimeBasis.Step ? "Where a step's time goes" : "Where the time goes");
                Phases(html, report);
            }

            if (Resources.Of(report) is { } resources)
            {
                html.Element("h3", "Memory and arithmetic");
                ResourceTable(html, resources);
            }

            if (report.PrecisionGains.Count > 0)
            {
                html.Element("h3", "What precision saves");
                Gains(html, report);
            }

            if (report.Costs is { } costs)
            {
                html.Element("h3", "Costs");
                Costs(html, costs);
            }
        });
    }

    private static void Times(HtmlText html, Report report)
    {
        bool rates = report.Runs.Measurements.Any(m => m.SamplesPerSecond is not null);
        bool threads = report.Runs.Measurements.Any(m => m.Configuration.Threads is not null), intervals = report.Runs.Measurements.Any(m => m.Interval is not null);
        bool comparable = report.Runs.HasComparableWork;
        string basis = report.Runs.TimeNoun;
        var table = new HtmlTable(
            $"Time of one {basis} in every configuration",
            [
                "processes", .. If(threads, "threads"), "<precision", "seconds", .. If(intervals, "95 % interval"), .. If(rates, $"{report.Runs.SampleNoun}s/s"),
                .. If(comparable, "speed-up"), .. If(comparable && intervals, "95 % interval"), .. If(comparable, "efficiency"), .. If(comparable && intervals, "95 % interval"), "<",
            ]);
        foreach (ScalingPoint point in report.Series.SelectMany(s => s.Series.Points))
        {
            ConfigurationMeasurement measured = point.Measurement;
            bool recommended = comparable && measured.Configuration == report.Recommendation.Configuration, fastest = comparable && measured.Configuration == report.Recommendation.Fastest;
            string[] cells =
            [
                HtmlTable.Cell(point.Processes),
                .. If(threads, HtmlTable.Cell(measured.Configuration.Threads)),
                measured.Configuration.Precision,
                Wording.SecondsAlone(measured.Seconds),
                .. If(intervals, HtmlTable.Cell(measured.Interval, Wording.SecondsAlone)),
                .. If(rates, measured.SamplesPerSecond is { } rate ? Wording.Text($"{rate:0.00}") : HtmlTable.Unknown),
                .. If(comparable, Wording.Text($"{point.Speedup:0.00}")),
                .. If(comparable && intervals, HtmlTable.Cell(point.SpeedupInterval, v => Wording.Text($"{v:0.00}"))),
                .. If(comparable, Wording.Percent(point.Efficiency)),
                .. If(comparable && intervals, HtmlTable.Cell(point.EfficiencyInterval, Wording.Percent)),
                string.Join(", ", new[] { recommended ? "recommended" : "", fastest ? "fastest" : "" }.Where(m => m.Length > 0)),
            ];
            if (recommended)
            {
                table.AddMarked(cells);
            }
            else
            {
                table.Add(cells);
            }
        }

        table.WriteTo(html);
    }

    // A column of which nothing is known is left out.
    private static string[] If(bool known, string cell) => known ? [cell] : [];

    private static void Phases(HtmlText html, Report report)
    {
        var table = new HtmlTable("Share of the time in each phase", "<configuration", "data", "forward", "backward", "exposed communication", "waiting", "optimizer", "other");
        foreach (ConfigurationMeasurement measured in report.Runs.Measurements.Where(m => m.Phases is not null))
        {
            PhaseSeconds p = measured.Phases!;
            table.Add([measured.Configuration.ToString(), .. new[] { p.Data, p.Forward, p.Backward, p.Comm, p.Wait, p.Optimizer, p.Other }.Select(s => Wording.Percent(s / p.Total))]);
        }

        table.WriteTo(html);
    }

    private static void ResourceTable(HtmlText html, Resources resources)
    {
        var table = new HtmlTable("Memory of a rank and speed of the arithmetic in every configuration", [.. resources.Headers]);
        foreach (IReadOnlyList<string> row in resources.Rows)
        {
            table.Add([.. row]);
        }

        table.WriteTo(html);
        html.Element("p class=\"hint\"", string.Join(" ", resources.Notes));
    }

    private static void Gains(HtmlText html, Report report)
    {
        var table = new HtmlTable("Time saved by precision", "processes", "threads", "<precision", "<against", "seconds", "against seconds", "time saved");
        foreach (PrecisionGain gain in report.PrecisionGains)
        {
            table.Add(HtmlTable.Cell(gain.Processes), HtmlTable.Cell(gain.Threads), gain.Precision, gain.Against, Wording.SecondsAlone(gain.Seconds), Wording.SecondsAlone(gain.AgainstSeconds), Wording.Text($"{gain.TimeSaved * 100:0.00} %"));
        }

        table.WriteTo(html);
    }

    private static void Costs(HtmlText html, CostEstimate costs)
    {
        var table = new HtmlTable($"Cost of one {costs.Unit}", "<configuration", $"cost of one {costs.Unit}", "seconds of it");
        foreach (Cost cost in costs.Costs)
        {
            table.Add(cost.Configuration.ToString(), Wording.Text($"{cost.Price:0.0000}"), Wording.SecondsAlone(cost.Seconds));
        }

        table.WriteTo(html);
        html.Element("p", Wording.Text($"At {costs.PricePerProcessHour} for a process and hour."));
    }
}
