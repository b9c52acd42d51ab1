using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Metrics;

namespace Convoy.Analysis.Rendering.Html;

/// <summary>How the numbers came about: what was left out, the machine, and every run.</summary>
internal static class HtmlMethod
{
    private const double GiB = 1L << 30;

    public static void Write(HtmlText html, Report report) => html.Section("method", "How it was measured", () =>
    {
        html.List(Sentences(report));
        html.Element("h3", "System");
        System(html, report);
        html.Raw("<details><summary>Runs</summary>");
        Runs(html, report.Runs.Runs);
        html.Raw("</details>");
    });

    private static IEnumerable<string> Sentences(Report report)
    {
        int warmUp = report.Runs.Runs.Max(r => r.WarmUpSteps);
        yield return report.Runs.Basis == TimeBasis.Step
            ? "A time is the median over the steps that count; with several runs of a configuration, the median of their medians."
            : report.Runs.Basis == TimeBasis.Run
            ? "A time is that of a whole run as given; with several runs of a configuration, their median."
            : $"{report.Runs.Basis.Seconds(report.Runs.SampleNoun)}; with several of a configuration, their median.";
        yield return warmUp > 0
            ? Wording.Text($"Left out as warm-up: the first {warmUp} recorded {(warmUp == 1 ? "step" : "steps")} of a run{(report.Runs.Runs.All(r => r.WarmUpSteps == warmUp) ? "" : " at most")}.")
            : "Nothing was left out.";
        if (report.Runs.HasComparableWork)
        {
            yield return Wording.Text($"Speed-up and efficiency are against {report.BaselineProcesses} {(report.BaselineProcesses == 1 ? "process" : "processes")}{Growth(report.Runs)}.");
        }

        yield return report.Runs.Measurements.Any(m => m.Interval is not null)
            ? "Intervals are 95 % bootstrap intervals over runs and steps. They do not hold what differs from day to day unless runs were repeated."
            : "There are no intervals: every configuration was measured once.";
        yield return $"Recommended is the {Recommendation.Rule}.";
    }

    private static string Growth(RunSet runs) => !runs.IsWeakScaling ? ""
        : runs.Basis == TimeBasis.Run ? ", for the same amount of work, which grows with the processes"
        : $", in {runs.SampleNoun}s per second, for the batch grows with the processes";

    private static void System(HtmlText html, Report report)
    {
        if (report.Runs.Host is not { } host)
        {
            html.Element("p", "The runs do not say on which machine they were made.");
            return;
        }

        html.Raw("<dl class=\"system\">");
        foreach ((string name, string value) in Facts(host, report.KernelsInWords))
        {
            html.Raw("<div>").Element("dt", name).Element("dd", value).Raw("</div>");
        }

        html.Raw("</dl>");
    }

    private static IEnumerable<(string Name, string Value)> Facts(HostInfo host, string? kernels)
    {
        yield return ("Processor", host.CpuModel ?? "not reported by the system");
        yield return ("Cores", Wording.Text($"{host.UsableCores} to use of {host.LogicalCores}{(host.PhysicalCores is { } physical ? Wording.Text($", {physical} without hyper-threads") : "")}{(host.CpuLimit is { } limit ? Wording.Text($", limited to {limit:0.##} by the container") : "")}"));
        yield return ("Instruction sets", host.InstructionSets.Count > 0 ? string.Join(", ", host.InstructionSets) : "not recorded");
        yield return ("Memory", Wording.Text($"{host.MemoryTotalBytes / GiB:0.0} GiB"));
        yield return ("Matrix products", Wording.Peaks(host.MatrixPeaks));
        if (kernels is not null)
        {
            yield return ("Convolutions", kernels);
        }

        yield return ("GPUs", "not recorded");
        yield return ("System", $"{host.OperatingSystem}, {host.Architecture}");
        yield return ("Versions", string.Join(", ", host.Versions.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => $"{v.Key} {v.Value}")));
    }

    private static void Runs(HtmlText html, IReadOnlyList<Run> runs)
    {
        var table = new HtmlTable("Every run", "<configuration", "times that count", "left out", "batch size", "<read from");
        foreach (Run run in runs)
        {
            table.Add(run.Configuration.ToString(), HtmlTable.Cell(run.Samples.Count), HtmlTable.Cell(run.WarmUpSteps), HtmlTable.Cell(run.BatchSize), run.Source);
        }

        table.WriteTo(html);
    }
}
