using System.Text;
using Convoy.Analysis.Bottlenecks;
using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Plots;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Scaling;
using Convoy.Analysis.Statistics;
using Convoy.Metrics;

namespace Convoy.Analysis.Rendering;

/// <summary><c>report.md</c>: the report for people, in tables and sentences.</summary>
public sealed class MarkdownReportRenderer : IReportRenderer
{
    private const string Unknown = "-";

    /// <summary>Whether the plots lie beside the document and are shown in it. Default false.</summary>
    public bool HasPlots { get; init; }

    /// <inheritdoc/>
    public string FileName => "report.md";

    /// <inheritdoc/>
    public void Render(Report report, Stream destination)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(destination);
        destination.Write(Encoding.UTF8.GetBytes(Text(report, HasPlots)));
    }

    /// <summary>The report as one text.</summary>
    /// <param name="report">The report.</param>
    /// <param name="hasPlots">Whether the plots lie beside it.</param>
    public static string Text(Report report, bool hasPlots = false)
    {
        ArgumentNullException.ThrowIfNull(report);
        var text = new StringBuilder("# Scaling report\n\n");
        List(text, report.Summary);
        if (report.Recommendation.Command is { } command)
        {
            text.Append(report.Runs.Basis == TimeBasis.Run ? "To start it in the recommended configuration:" : "To train in the recommended configuration:").Append("\n\n```\n").Append(command).Append("\n```\n\n");
        }

        Section(text, "Warnings", report.Warnings.Count > 0, () => List(text, report.Warnings));
        Section(text, "Times", true, () => Times(text, report));
        IReadOnlyList<Chart> charts = hasPlots ? ReportCharts.Make(report) : [];
        Section(text, "Plots", charts.Count > 0, () => Plots(text, charts));
        Resources? resources = Resources.Of(report);
        Section(text, "Memory and arithmetic", resources is not null, () => ResourceTable(text, resources!));
        Section(text, "What precision saves", report.PrecisionGains.Count > 0, () => Gains(text, report.PrecisionGains));
        Section(text, report.Runs.Basis == TimeBasis.Step ? "Where a step's time goes" : "Where the time goes", report.Runs.Measurements.Any(m => m.Phases is not null), () => Breakdown(text, report));
        Section(text, "Causes of lost time", report.Causes.Count > 0, () => Causes(text, report.Causes));
        Section(text, "Models", report.Series.Any(s => s.Models.Assessments.Count > 0), () => Models(text, report.Series));
        Section(text, "Predictions", report.Series.Any(s => s.Predictions.Count > 0), () => Predictions(text, report.Series));
        Section(text, "Costs", report.Costs is not null, () => Costs(text, report.Costs!));
        Section(text, "System", report.Runs.Host is not null, () => System(text, report, report.Runs.Host!));
        return text.ToString().TrimEnd('\n') + "\n";
    }

    private static void Section(StringBuilder text, string title, bool isNeeded, Action content)
    {
        if (isNeeded)
        {
            text.Append("## ").Append(title).Append("\n\n");
            content();
        }
    }

    private static void List(StringBuilder text, IReadOnlyList<string> sentences)
    {
        foreach (string sentence in sentences)
        {
            text.Append("- ").Append(sentence).Append('\n');
        }

        text.Append(sentences.Count > 0 ? "\n" : "");
    }

    private static void Times(StringBuilder text, Report report)
    {
        var table = new MarkdownTable("processes", "threads", "<precision", "seconds", "95 % interval", $"{report.Runs.SampleNoun}s/s", "speed-up", "efficiency", "its 95 % interval", "<");
        bool comparable = report.Runs.HasComparableWork;
        foreach (ScalingPoint point in report.Series.SelectMany(s => s.Series.Points))
        {
            ConfigurationMeasurement measured = point.Measurement;
            string[] marks = !comparable ? [] :
            [
                .. measured.Configuration == report.Recommendation.Configuration ? ["recommended"] : Array.Empty<string>(),
                .. measured.Configuration == report.Recommendation.Fastest ? ["fastest"] : Array.Empty<string>(),
            ];
            table.Add(
                Number(point.Processes),
                measured.Configuration.Threads is { } t ? Number(t) : Unknown,
                measured.Configuration.Precision,
                Seconds(measured.Seconds),
                Range(measured.Interval, Seconds),
                measured.SamplesPerSecond is { } rate ? Wording.Text($"{rate:0.00}") : Unknown,
                comparable ? Wording.Text($"{point.Speedup:0.00}") : Unknown,
                comparable ? Wording.Percent(point.Efficiency) : Unknown,
                Range(point.EfficiencyInterval, Wording.Percent),
                string.Join(", ", marks));
        }

        table.AppendTo(text);
        int leftOut = report.Runs.Runs.Max(r => r.WarmUpSteps);
        text.Append(report.Runs.Basis.Seconds(report.Runs.SampleNoun))
            .Append(leftOut > 0 ? Wording.Text($", the first {leftOut} records of a run left out as warm-up") : "")
            .Append(comparable ? Wording.Text($"; speed-up and efficiency are against {report.BaselineProcesses} {(report.BaselineProcesses == 1 ? "process" : "processes")}{Growth(report.Runs)}") : "")
            .Append(".\n\n");
    }

    private static string Growth(RunSet runs) => !runs.IsWeakScaling ? ""
        : runs.Basis == TimeBasis.Run ? ", for the same amount of work (it grows with the processes)"
        : $", in {runs.SampleNoun}s per second (the batch grows with the processes)";

    private static void Plots(StringBuilder text, IReadOnlyList<Chart> charts)
    {
        foreach (Chart chart in charts)
        {
            text.Append(Wording.Text($"![{chart.Title}. {chart.Description.Replace("]", "\\]", StringComparison.Ordinal)}]({PlotFolder.PathOf(chart.Name, "svg")})\n\n"));
        }
    }

    private static void Gains(StringBuilder text, IReadOnlyList<PrecisionGain> gains)
    {
        var table = new MarkdownTable("processes", "threads", "<precision", "<against", "seconds", "against seconds", "time saved");
        foreach (PrecisionGain gain in gains)
        {
            table.Add(Number(gain.Processes), gain.Threads is { } t ? Number(t) : Unknown, gain.Precision, gain.Against, Seconds(gain.Seconds), Seconds(gain.AgainstSeconds), Wording.Text($"{gain.TimeSaved * 100:0.00} %"));
        }

        table.AppendTo(text);
    }

    private static void Breakdown(StringBuilder text, Report report)
    {
        var table = new MarkdownTable("<configuration", "data", "forward", "backward", "exchange", "waiting", "optimizer", "other");
        foreach (ConfigurationMeasurement measured in report.Runs.Measurements.Where(m => m.Phases is not null))
        {
            PhaseSeconds p = measured.Phases!;
            table.Add([measured.Configuration.ToString(), .. new[] { p.Data, p.Forward, p.Backward, p.Comm, p.Wait, p.Optimizer, p.Other }.Select(s => Wording.Percent(s / p.Total))]);
        }

        table.AppendTo(text);
    }

    private static void Causes(StringBuilder text, IReadOnlyList<Cause> causes)
    {
        for (int i = 0; i < causes.Count; i++)
        {
            Cause cause = causes[i];
            text.Append(Wording.Text($"{i + 1}. **{cause.Title}** ({cause.Severity.ToString().ToLowerInvariant()}). {cause.Explanation} {cause.Advice}\n"));
            foreach (Conclusion place in cause.Places)
            {
                string where = cause.Places.Count > 1 ? $"- {place.Configuration}, {Wording.Percent(place.Share)}: " : "Evidence: ";
                string threshold = place.Threshold > 0 ? $" Named from {Wording.Percent(place.Threshold)} on." : "";
                text.Append(Wording.Text($"   {where}{string.Join("; ", place.Evidence.Select(e => $"{e.Name}: {e.ValueText}"))}.{threshold}\n"));
            }
        }

        text.Append('\n');
    }

    private static void ResourceTable(StringBuilder text, Resources resources)
    {
        var table = new MarkdownTable([.. resources.Headers]);
        foreach (IReadOnlyList<string> row in resources.Rows)
        {
            table.Add([.. row]);
        }

        table.AppendTo(text);
        text.AppendJoin(' ', resources.Notes).Append("\n\n");
    }

    private static void Models(StringBuilder text, IReadOnlyList<SeriesReport> series)
    {
        var table = new MarkdownTable("<precision", "<model", "<parameters", "leave-one-out error", "<");
        foreach (SeriesReport report in series)
        {
            foreach (ModelAssessment model in report.Models.Assessments)
            {
                table.Add(
                    report.Series.Precision,
                    model.Fit.Model.Name,
                    string.Join(", ", model.Fit.Parameters.Select(p => Wording.Text($"{p.Key} {p.Value:G4}"))),
                    model.LeaveOneOutError is { } error ? Wording.Percent(error) : "too few points",
                    ReferenceEquals(model, report.Models.Best) ? "used" : "");
            }
        }

        table.AppendTo(text);
    }

    private static void Predictions(StringBuilder text, IReadOnlyList<SeriesReport> series)
    {
        var table = new MarkdownTable("processes", "<precision", "<network", "seconds", "95 % interval", "speed-up", "<model");
        foreach (Prediction prediction in series.SelectMany(s => s.Predictions))
        {
            table.Add(
                Number(prediction.Processes),
                prediction.Precision,
                prediction.Link is { } link ? Wording.Text($"{link.GigabitsPerSecond} Gbit/s, {link.LatencyMicroseconds} us") : "as measured",
                Seconds(prediction.Seconds),
                Range(prediction.Interval, Seconds),
                Wording.Text($"{prediction.Speedup:0.00}"),
                prediction.ModelName);
        }

        table.AppendTo(text);
    }

    private static void Costs(StringBuilder text, CostEstimate costs)
    {
        var table = new MarkdownTable("<configuration", $"cost of one {costs.Unit}", "seconds of it");
        foreach (Cost cost in costs.Costs)
        {
            table.Add(cost.Configuration.ToString(), Wording.Text($"{cost.Price:0.0000}"), Seconds(cost.Seconds));
        }

        table.AppendTo(text);
        text.Append(Wording.Text($"At {costs.PricePerProcessHour} for a process and hour.\n\n"));
    }

    private static void System(StringBuilder text, Report report, HostInfo host)
    {
        const double GiB = 1L << 30;
        List(
            text,
            [
                $"Processor: {host.CpuModel ?? "unknown"}, {Wording.Text($"{host.LogicalCores}")} cores as the system counts them{(host.PhysicalCores is { } cores ? Wording.Text($", {cores} without hyper-threads") : "")}",
                Wording.Text($"Memory: {host.MemoryTotalBytes / GiB:0.0} GiB"),
                $"Matrix products of one process: {Wording.Peaks(host.MatrixPeaks)}",
                .. report.KernelsInWords is { } kernels ? [$"Convolutions: {kernels}"] : Array.Empty<string>(),
                $"System: {host.OperatingSystem}, {host.Architecture}",
                $"Versions: {string.Join(", ", host.Versions.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => $"{v.Key} {v.Value}"))}",
            ]);
    }

    private static string Range(Interval? interval, Func<double, string> format) => interval?.Text(format) ?? Unknown;

    private static string Seconds(double seconds) => Wording.SecondsAlone(seconds);

    private static string Number(int value) => Wording.Text($"{value}");
}

/// <summary>A Markdown table whose source can be read too: columns padded, numbers to the right.</summary>
internal sealed class MarkdownTable
{
    private readonly List<string[]> _rows = [];
    private readonly bool[] _isText;

    /// <param name="headers">The column heads; one that starts with <c>&lt;</c> is a column of text, the others are of numbers.</param>
    public MarkdownTable(params string[] headers)
    {
        _isText = [.. headers.Select(h => h.StartsWith('<'))];
        _rows.Add([.. headers.Select(h => h.TrimStart('<'))]);
    }

    public void Add(params string[] cells) => _rows.Add([.. cells.Select(c => c.Replace("|", "\\|", StringComparison.Ordinal))]);

    public void AppendTo(StringBuilder text)
    {
        int[] widths = [.. Enumerable.Range(0, _isText.Length).Select(c => Math.Max(3, _rows.Max(r => r[c].Length)))];
        for (int r = 0; r < _rows.Count; r++)
        {
            text.Append("| ").AppendJoin(" | ", _rows[r].Select((cell, c) => _isText[c] ? cell.PadRight(widths[c]) : cell.PadLeft(widths[c]))).Append(" |\n");
            if (r == 0)
            {
                text.Append('|').AppendJoin('|', widths.Select((w, c) => _isText[c] ? new string('-', w + 2) : new string('-', w + 1) + ':')).Append("|\n");
            }
        }

        text.Append('\n');
    }
}
