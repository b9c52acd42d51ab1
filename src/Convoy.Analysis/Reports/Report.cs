using Convoy.Analysis.Bottlenecks;
using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Reports;

/// <summary>Everything that a report says, whatever the form it is rendered in.</summary>
/// <param name="Runs">What was measured.</param>
/// <param name="Series">By precision and threads.</param>
/// <param name="Conclusions">The conclusions of all series, the main cause first.</param>
/// <param name="Recommendation">Which configuration to use.</param>
/// <param name="PrecisionGains">What precisions save.</param>
/// <param name="Costs">What configurations cost; null when no price was given.</param>
/// <param name="Summary">What to take away: plain sentences, the most important first.</param>
/// <param name="Warnings">What to know before believing the numbers.</param>
public sealed record Report(
    RunSet Runs,
    IReadOnlyList<SeriesReport> Series,
    IReadOnlyList<Conclusion> Conclusions,
    Recommendation Recommendation,
    IReadOnlyList<PrecisionGain> PrecisionGains,
    CostEstimate? Costs,
    IReadOnlyList<string> Summary,
    IReadOnlyList<string> Warnings)
{
    /// <summary>The fewest processes measured: what speed-ups are against.</summary>
    public int BaselineProcesses => Series.Min(s => s.Series.Baseline.Processes);
}

/// <summary>What a report says of one series: configurations that differ in their processes only.</summary>
/// <param name="Series">The measured points.</param>
/// <param name="Models">The models on them, best first.</param>
/// <param name="Conclusions">What limits the largest configuration, the main cause first.</param>
/// <param name="Predictions">What was predicted.</param>
public sealed record SeriesReport(ScalingSeries Series, ModelChoice Models, IReadOnlyList<Conclusion> Conclusions, IReadOnlyList<Prediction> Predictions);
