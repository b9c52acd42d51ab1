using Convoy.Analysis.Reports;

namespace Convoy.Analysis.Plots;

/// <summary>The charts of a report: those for which it has the numbers.</summary>
public static class ReportCharts
{
    /// <summary>All charts of <paramref name="report"/>, in the order of reading.</summary>
    public static IReadOnlyList<Chart> Make(Report report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return
        [
            .. ScalingCharts.Make(report),
            .. new Chart?[]
            {
                PhaseChart.Make(report),
                PrecisionChart.Make(report),
                MemoryChart.Make(report),
                PredictionChart.Make(report),
                StepCharts.Loss(report),
                StepCharts.Seconds(report),
            }.OfType<Chart>(),
        ];
    }
}

/// <summary>Where a report's plots lie.</summary>
public static class PlotFolder
{
    /// <summary>The folder's name in the report's own.</summary>
    public const string Name = "plots";

    /// <summary>The names of all charts that a report can have; see <see cref="Chart.Name"/>.</summary>
    public static IReadOnlyList<string> ChartNames { get; } =
        ["time", "speedup", "efficiency", "throughput", "phases", "precision", "memory", "prediction", "loss", "step-time"];

    /// <summary>The path of a plot from the report's folder, as it stands in documents.</summary>
    /// <param name="chart">The chart's name.</param>
    /// <param name="ending">The file's ending: <c>svg</c> or <c>png</c>.</param>
    public static string PathOf(string chart, string ending) => $"{Name}/{chart}.{ending}";
}
