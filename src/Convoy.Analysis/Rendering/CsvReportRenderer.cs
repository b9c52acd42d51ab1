using System.Globalization;
using System.Text;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Rendering;

/// <summary>
/// <c>report.csv</c>: one row a configuration, numbers at full precision with a point, seconds of a step or run as
/// <c>time_basis</c> says. What is not known is empty.
/// </summary>
public sealed class CsvReportRenderer : IReportRenderer
{
    private static readonly string[] Columns =
    [
        "processes", "threads", "precision", "batch_size", "time_basis", "seconds", "seconds_low", "seconds_high", "images_per_second",
        "speedup", "speedup_low", "speedup_high", "efficiency", "efficiency_low", "efficiency_high",
        "data", "forward", "backward", "comm", "wait", "optimizer", "other", "runs", "warm_up_steps", "recommended", "fastest",
        "cpu_seconds", "run_queue_seconds", "peak_memory_bytes", "voluntary_switches", "involuntary_switches", "cache_misses", "gigaflops_per_second", "peak_gigaflops_per_second",
    ];

    /// <inheritdoc/>
    public string FileName => "report.csv";

    /// <inheritdoc/>
    public void Render(Report report, Stream destination)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(destination);
        var text = new StringBuilder(string.Join(',', Columns)).Append('\n');
        foreach (ScalingPoint point in report.Series.SelectMany(s => s.Series.Points))
        {
            text.AppendJoin(',', Row(report, point).Select(Cell)).Append('\n');
        }

        destination.Write(Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static object?[] Row(Report report, ScalingPoint point)
    {
        ConfigurationMeasurement measured = point.Measurement;
        PhaseSeconds? phases = measured.Phases;
        bool comparable = report.Runs.HasComparableWork;
        return
        [
            point.Processes, measured.Configuration.Threads, measured.Configuration.Precision, measured.BatchSize,
            report.Runs.Basis.Name(), measured.Seconds, measured.Interval?.Low, measured.Interval?.High, measured.SamplesPerSecond,
            comparable ? point.Speedup : null, point.SpeedupInterval?.Low, point.SpeedupInterval?.High, comparable ? point.Efficiency : null, point.EfficiencyInterval?.Low, point.EfficiencyInterval?.High,
            phases?.Data, phases?.Forward, phases?.Backward, phases?.Comm, phases?.Wait, phases?.Optimizer, phases?.Other,
            measured.Runs.Count, measured.Runs.Max(r => r.WarmUpSteps),
            comparable && measured.Configuration == report.Recommendation.Configuration ? 1 : 0, comparable && measured.Configuration == report.Recommendation.Fastest ? 1 : 0,
            measured.Usage.CpuSeconds, measured.Usage.QueueSeconds, measured.Usage.PeakMemoryBytes, measured.Usage.VoluntarySwitches, measured.Usage.InvoluntarySwitches, measured.Usage.CacheMisses,
            measured.Attained?.GigaflopsPerSecond, measured.Attained?.PeakGigaflopsPerSecond,
        ];
    }

    private static string Cell(object? value)
    {
        string text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
        return text.AsSpan().IndexOfAny(",\"\n\r") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
