using Convoy.Analysis.Reports;

namespace Convoy.Analysis.Plots;

/// <summary>The charts of a report: those for which it has the numbers.</summary>
public static class ReportCharts
{
    /// <summary>All charts of <paramref name="report"/>, in the order of reading.</summary>
    public static IReadOnlyList<Chart> Of(Report report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return
        [
            .. ScalingCharts.Of(report),
            .. new Chart?[]
            {
                PhaseChart.Of(report),
                PrecisionChart.Of(report),
                PredictionChart.Of(report),
                StepCharts.Loss(report),
                StepCharts.Seconds(report),
            }.OfType<Chart>(),
        ];
    }
}
