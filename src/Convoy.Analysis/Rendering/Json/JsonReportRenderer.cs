using System.Text.Encodings.Web;
using System.Text.Json;
using Convoy.Analysis.Bottlenecks;
using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Rendering.Json;

/// <summary><c>report.json</c>: every number of the report at full precision, for programs.</summary>
public sealed class JsonReportRenderer : IReportRenderer
{
    // The document goes to a file or a pipe, not into a web page: quotes and signs stay readable.
    private static readonly ReportJson Format = new(new JsonSerializerOptions(ReportJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <inheritdoc/>
    public string FileName => "report.json";

    /// <inheritdoc/>
    public void Render(Report report, Stream destination)
    {
        ArgumentNullException.ThrowIfNull(report);
        JsonSerializer.Serialize(destination, Document(report), Format.ReportDocument);
    }

    private static ReportDocument Document(Report report) => new()
    {
        BaselineProcesses = report.BaselineProcesses,
        TimeBasis = report.Runs.Basis.Name(),
        Scaling = report.Runs.IsWeakScaling ? "weak" : "strong",
        Summary = report.Summary,
        Configurations = [.. report.Series.SelectMany(s => s.Series.Points).Select(Document)],
        Recommendation = Document(report.Recommendation),
        PrecisionGain = [.. report.PrecisionGains.Select(g => new PrecisionGainDocument(g.Processes, g.Threads, g.Precision, g.Against, g.TimeSaved * 100))],
        Breakdown = [.. report.Runs.Measurements.Where(m => m.Phases is not null).Select(m => Document(m.Configuration, m.Phases!))],
        Conclusions = [.. report.Conclusions.Select(Document)],
        Models = [.. report.Series.SelectMany(s => s.Models.Assessments.Select(a => Document(s, a)))],
        Predictions = [.. report.Series.SelectMany(s => s.Predictions.Select(p => Document(s, p)))],
        Cost = report.Costs is { } costs
            ? new CostDocument(costs.Unit, costs.PricePerProcessHour, [.. costs.Costs.Select(c => new ConfigurationCostDocument(c.Configuration.Processes, c.Configuration.Threads, c.Configuration.Precision, c.Price, c.Seconds))])
            : null,
        Warnings = report.Warnings,
    };

    private static ConfigurationDocument Document(ScalingPoint point)
    {
        ConfigurationMeasurement measured = point.Measurement;
        return new ConfigurationDocument(
            point.Processes,
            measured.Configuration.Threads,
            measured.Configuration.Precision,
            measured.BatchSize,
            measured.Seconds,
            measured.Interval?.Low,
            measured.Interval?.High,
            measured.SamplesPerSecond,
            point.Speedup,
            point.SpeedupInterval?.Low,
            point.SpeedupInterval?.High,
            point.Efficiency,
            point.EfficiencyInterval?.Low,
            point.EfficiencyInterval?.High,
            measured.Runs.Count,
            measured.Runs.Max(r => r.WarmUpSteps));
    }

    private static RecommendationDocument Document(Recommendation recommendation) => new(
        recommendation.Configuration.Processes,
        recommendation.Configuration.Threads,
        recommendation.Configuration.Precision,
        recommendation.Fastest.Processes,
        recommendation.Fastest.Threads,
        recommendation.Fastest.Precision,
        recommendation.FastestGain * 100,
        Recommendation.Rule,
        recommendation.Reason,
        recommendation.Command);

    private static BreakdownDocument Document(Configuration at, PhaseSeconds phases) => new(
        at.Processes, at.Threads, at.Precision, phases.Data, phases.Forward, phases.Backward, phases.Comm, phases.Wait, phases.Optimizer, phases.Other);

    private static ConclusionDocument Document(Conclusion conclusion) => new(
        conclusion.Kind,
        conclusion.Configuration.Processes,
        conclusion.Configuration.Threads,
        conclusion.Configuration.Precision,
        conclusion.Title,
        JsonNamingPolicy.SnakeCaseLower.ConvertName(conclusion.Severity.ToString()),
        conclusion.LostSeconds,
        conclusion.Share * 100,
        conclusion.Threshold * 100,
        conclusion.Explanation,
        conclusion.Advice,
        [.. conclusion.Evidence.Select(e => new EvidenceDocument(e.Name, e.Value, e.Unit))]);

    private static ModelDocument Document(SeriesReport series, ModelAssessment model) => new(
        model.Fit.Model.Name, series.Series.Precision, series.Series.Threads, ReferenceEquals(model, series.Models.Best), model.Fit.Parameters, model.LeaveOneOutError * 100);

    private static PredictionDocument Document(SeriesReport series, Prediction prediction) => new(
        prediction.Processes,
        prediction.Precision,
        series.Series.Threads,
        prediction.Seconds,
        prediction.Interval.Low,
        prediction.Interval.High,
        prediction.Speedup,
        prediction.ModelName,
        prediction.Link?.GigabitsPerSecond,
        prediction.Link?.LatencyMicroseconds);
}
