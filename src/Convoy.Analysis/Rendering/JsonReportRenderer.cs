using System.Text.Encodings.Web;
using System.Text.Json.Serialization;
using System.Text.Json;
using Convoy.Analysis.Bottlenecks;
using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Rendering;

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
        Scaling = !report.Runs.HasComparableWork ? "unknown" : report.Runs.IsWeakScaling ? "weak" : "strong",
        Summary = report.Summary,
        Kernels = report.Kernels,
        Configurations = [.. report.Series.SelectMany(s => s.Series.Points).Select(p => Document(p, report.Runs.HasComparableWork))],
        Recommendation = Document(report.Recommendation),
        PrecisionGain = [.. report.PrecisionGains.Select(g => new PrecisionGainDocument(g.Processes, g.Threads, g.Precision, g.Against, g.TimeSaved * 100))],
        Breakdown = [.. report.Runs.Measurements.Where(m => m.Phases is not null).Select(m => Document(m.Configuration, m.Phases!))],
        Conclusions = [.. report.Conclusions.Select(Document)],
        Causes = [.. report.Causes.Select(Document)],
        Models = [.. report.Series.SelectMany(s => s.Models.Assessments.Select(a => Document(s, a)))],
        Predictions = [.. report.Series.SelectMany(s => s.Predictions.Select(p => Document(s, p)))],
        Cost = report.Costs is { } costs
            ? new CostDocument(costs.Unit, costs.PricePerProcessHour, [.. costs.Costs.Select(c => new ConfigurationCostDocument(c.Configuration.Processes, c.Configuration.Threads, c.Configuration.Precision, c.Price, c.Seconds))])
            : null,
        Warnings = report.Warnings,
    };

    private static ConfigurationDocument Document(ScalingPoint point, bool comparable)
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
            comparable ? point.Speedup : null,
            point.SpeedupInterval?.Low,
            point.SpeedupInterval?.High,
            comparable ? point.Efficiency : null,
            point.EfficiencyInterval?.Low,
            point.EfficiencyInterval?.High,
            measured.Runs.Count,
            measured.Runs.Max(r => r.WarmUpSteps),
            measured.Usage.CpuSeconds,
            measured.Usage.QueueSeconds,
            measured.Usage.PeakMemoryBytes,
            measured.Usage.VoluntarySwitches,
            measured.Usage.InvoluntarySwitches,
            measured.Usage.CacheMisses,
            measured.Attained?.GigaflopsPerSecond,
            measured.Attained?.PeakGigaflopsPerSecond,
            measured.Attained?.ShareOfPeak * 100);
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

    private static CauseDocument Document(Cause cause) => new(
        cause.Kind,
        cause.Title,
        JsonNamingPolicy.SnakeCaseLower.ConvertName(cause.Severity.ToString()),
        cause.Share * 100,
        cause.Explanation,
        cause.Advice,
        [.. cause.Places.Select(p => new CausePlaceDocument(p.Configuration.Processes, p.Configuration.Threads, p.Configuration.Precision, p.LostSeconds, p.Share * 100))]);

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

/// <summary>The document <c>report.json</c>. Times are seconds of <see cref="TimeBasis"/>; what is not known is null.</summary>
internal sealed record ReportDocument
{
    public required int BaselineProcesses { get; init; }

    /// <summary><c>step</c> or <c>run</c>.</summary>
    public required string TimeBasis { get; init; }

    /// <summary><c>strong</c> (the same global batch), <c>weak</c> (the same batch in each process), or <c>unknown</c> where nobody told what whole runs do; then there are no speed-ups.</summary>
    public required string Scaling { get; init; }

    public required IReadOnlyList<string> Summary { get; init; }

    public required IReadOnlyList<ConfigurationDocument> Configurations { get; init; }

    public required RecommendationDocument Recommendation { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, int>? Kernels { get; init; }

    public required IReadOnlyList<PrecisionGainDocument> PrecisionGain { get; init; }

    public required IReadOnlyList<BreakdownDocument> Breakdown { get; init; }

    public required IReadOnlyList<ConclusionDocument> Conclusions { get; init; }

    /// <summary>The conclusions, put together where one cause was seen in several configurations.</summary>
    public required IReadOnlyList<CauseDocument> Causes { get; init; }

    public required IReadOnlyList<ModelDocument> Models { get; init; }

    public required IReadOnlyList<PredictionDocument> Predictions { get; init; }

    public required CostDocument? Cost { get; init; }

    public required IReadOnlyList<string> Warnings { get; init; }
}

internal sealed record ConfigurationDocument(
    int Processes,
    int? Threads,
    string Precision,
    int? BatchSize,
    double Seconds,
    double? SecondsLow,
    double? SecondsHigh,
    [property: JsonPropertyName("images_per_second")] double? SamplesPerSecond, // the format's name, whatever the samples are
    double? Speedup,
    double? SpeedupLow,
    double? SpeedupHigh,
    double? Efficiency,
    double? EfficiencyLow,
    double? EfficiencyHigh,
    int Runs,
    int WarmUpSteps,
    double? CpuSeconds,
    double? RunQueueSeconds,
    long? PeakMemoryBytes,
    double? VoluntarySwitches,
    double? InvoluntarySwitches,
    double? CacheMisses,
    double? GigaflopsPerSecond,
    double? PeakGigaflopsPerSecond,
    double? PeakSharePercent);

internal sealed record RecommendationDocument(
    int Processes,
    int? Threads,
    string Precision,
    int FastestProcesses,
    int? FastestThreads,
    string FastestPrecision,
    double FastestGainPercent,
    string Rule,
    string Reason,
    string? Command);

internal sealed record PrecisionGainDocument(int Processes, int? Threads, string Precision, string Against, double TimeSavedPercent);

internal sealed record BreakdownDocument(
    int Processes,
    int? Threads,
    string Precision,
    double Data,
    double Forward,
    double Backward,
    double Comm,
    double Wait,
    double Optimizer,
    double Other);

internal sealed record ConclusionDocument(
    string Kind,
    int Processes,
    int? Threads,
    string Precision,
    string Title,
    string Severity,
    double LostSeconds,
    double SharePercent,
    double ThresholdPercent,
    string Explanation,
    string Advice,
    IReadOnlyList<EvidenceDocument> Evidence);

internal sealed record CauseDocument(
    string Kind,
    string Title,
    string Severity,
    double SharePercent,
    string Explanation,
    string Advice,
    IReadOnlyList<CausePlaceDocument> Configurations);

internal sealed record CausePlaceDocument(int Processes, int? Threads, string Precision, double LostSeconds, double SharePercent);

internal sealed record EvidenceDocument(string Name, double Value, string Unit);

internal sealed record ModelDocument(
    string Name,
    string Precision,
    int? Threads,
    bool Used,
    IReadOnlyDictionary<string, double> Parameters,
    double? LeaveOneOutErrorPercent);

internal sealed record PredictionDocument(
    int Processes,
    string Precision,
    int? Threads,
    double Seconds,
    double Low,
    double High,
    double Speedup,
    string Model,
    double? LinkGbps,
    double? LatencyUs);

internal sealed record CostDocument(string Unit, double PricePerProcessHour, IReadOnlyList<ConfigurationCostDocument> Configurations);

internal sealed record ConfigurationCostDocument(int Processes, int? Threads, string Precision, double Price, double Seconds);

/// <summary>Generated serializers: names in snake_case, numbers that JSON does not have as text.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    WriteIndented = true,
    NewLine = "\n")]
[JsonSerializable(typeof(ReportDocument))]
internal sealed partial class ReportJson : JsonSerializerContext;
