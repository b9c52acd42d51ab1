using System.Globalization;
using Convoy.Analysis.Bottlenecks;
using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Scaling;
using Convoy.Metrics;

namespace Convoy.Analysis.Reports;

/// <summary>Everything that a report says, whatever the form it is rendered in.</summary>
/// <param name="Runs">What was measured.</param>
/// <param name="Series">By precision and threads.</param>
/// <param name="Conclusions">The conclusions of all series, the main cause first; then those about precisions.</param>
/// <param name="Causes">The same, put together where one cause was seen in several configurations.</param>
/// <param name="Recommendation">Which configuration to use.</param>
/// <param name="PrecisionGains">What precisions save.</param>
/// <param name="Costs">What configurations cost; null when no price was given.</param>
/// <param name="Summary">What to take away: plain sentences, the most important first.</param>
/// <param name="Warnings">What to know before believing the numbers.</param>
public sealed record Report(
    RunSet Runs,
    IReadOnlyList<SeriesReport> Series,
    IReadOnlyList<Conclusion> Conclusions,
    IReadOnlyList<Cause> Causes,
    Recommendation Recommendation,
    IReadOnlyList<PrecisionGain> PrecisionGains,
    CostEstimate? Costs,
    IReadOnlyList<string> Summary,
    IReadOnlyList<string> Warnings)
{
    /// <summary>The fewest processes measured: what speed-ups are against.</summary>
    public int BaselineProcesses => Series.Min(s => s.Series.Baseline.Processes);

    /// <summary>Passes of convolutions by the kernels that compute them, of the recommended configuration's first run; null when not recorded.</summary>
    public IReadOnlyDictionary<string, int>? Kernels => Runs.Measurements.First(m => m.Configuration == Recommendation.Configuration).Runs[0].Kernels;

    /// <summary>The same in words: <c>45 passes by winograd, 18 by libtorch (2 processes x 1 thread, bf16)</c>.</summary>
    internal string? KernelsInWords => Kernels is not { Count: > 0 } kernels ? null
        : $"{KernelCounts.InWords(kernels)} ({Recommendation.Configuration})";
}

/// <summary>What a report says of one series: configurations that differ in their processes only.</summary>
/// <param name="Series">The measured points.</param>
/// <param name="Models">The models on them, best first.</param>
/// <param name="Conclusions">What limits the largest configuration, the main cause first.</param>
/// <param name="Predictions">What was predicted.</param>
public sealed record SeriesReport(ScalingSeries Series, ModelChoice Models, IReadOnlyList<Conclusion> Conclusions, IReadOnlyList<Prediction> Predictions);

/// <summary>From runs to a report: series, models, causes, predictions, recommendation. A pure function.</summary>
public static class ReportBuilder
{
    /// <summary>Makes the report.</summary>
    /// <param name="runs">What was measured.</param>
    /// <param name="options">What is asked for.</param>
    /// <exception cref="AnalysisInputException">An option is outside its range.</exception>
    public static Report Build(RunSet runs, ReportOptions options)
    {
        ArgumentNullException.ThrowIfNull(runs);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        double? gradientBytes = options.GradientBytes ?? RecordedGradientBytes(runs);
        var warnings = new List<string>(runs.Warnings);
        SeriesReport[] series = [.. ScalingSeries.From(runs).Select(s => Explain(s, options, gradientBytes, warnings))];
        if (BaselineDoubt.Disturbed(series.Select(s => s.Series)) is { } disturbed)
        {
            warnings.Add(disturbed);
        }

        Conclusion[] conclusions = [.. series.SelectMany(s => s.Conclusions).OrderByDescending(c => c.Share)];
        IReadOnlyList<Cause> causes = Cause.Group(conclusions);
        Recommendation recommendation = Recommendation.Choose(runs);
        IReadOnlyList<PrecisionGain> gains = PrecisionGain.Compare(runs);
        CostEstimate? costs = options.PricePerProcessHour is { } price ? CostEstimate.From(runs, price, options.EpochSamples) : null;
        if (options.PricePerProcessHour is not null && costs is null)
        {
            warnings.Add(runs.Basis == TimeBasis.Relative ? "No costs: only speed-ups are known." : "No costs: the runs do not record their batch size.");
        }

        IReadOnlyList<Conclusion> kernels = PrecisionKernels.Examine(runs, gains);
        return new Report(
            runs, series, [.. conclusions, .. kernels], [.. causes, .. Cause.Group(kernels)], recommendation, gains, costs,
            SummaryWriter.Write(runs, series, causes, recommendation, gains, costs), warnings);
    }

    private static SeriesReport Explain(ScalingSeries series, ReportOptions options, double? gradientBytes, List<string> warnings)
    {
        if (BaselineDoubt.Of(series) is { } doubt)
        {
            warnings.Add(doubt);
        }

        ModelChoice models = ModelChoice.Fit(series.Points, ScalingModel.All(gradientBytes));
        var predictor = new Predictor(series, models, gradientBytes, options.NameOf(nameof(ReportOptions.GradientBytes)));
        var predictions = new List<Prediction>();
        if (options.Predict.Count > 0)
        {
            if (predictor.Refusal is { } refusal)
            {
                warnings.Add(refusal);
            }
            else
            {
                predictions.AddRange(options.Predict.Select(predictor.Predict));
                warnings.AddRange([.. predictor.FewPointsCaution is { } few ? [few] : Array.Empty<string>(), .. options.Predict.Select(predictor.Caution).OfType<string>()]);
            }

            if (options.Link is { } link && predictor.Refusal is null)
            {
                if (predictor.LinkRefusal is { } linkRefusal)
                {
                    warnings.Add(linkRefusal);
                }
                else
                {
                    predictions.AddRange(options.Predict.Select(n => predictor.Predict(n, link)));
                }
            }
        }

        return new SeriesReport(series, models, BottleneckFinder.Find(series, models), predictions);
    }

    private static double? RecordedGradientBytes(RunSet runs) =>
        runs.Measurements.Select(m => m.Setting(SettingNames.GradientBytes)).OfType<string>().FirstOrDefault() is { } text
        && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double bytes) && bytes is > 0 and <= ReportOptions.MostGradientBytes
            ? bytes
            : null;
}
