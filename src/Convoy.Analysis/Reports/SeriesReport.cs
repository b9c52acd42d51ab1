using Convoy.Analysis.Bottlenecks;
using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Reports;

/// <summary>What a report says of one series: configurations that differ in their processes only.</summary>
/// <param name="Series">The measured points.</param>
/// <param name="Models">The models on them, best first.</param>
/// <param name="Conclusions">What limits the largest configuration, the main cause first.</param>
/// <param name="Predictions">What was predicted.</param>
public sealed record SeriesReport(ScalingSeries Series, ModelChoice Models, IReadOnlyList<Conclusion> Conclusions, IReadOnlyList<Prediction> Predictions);
