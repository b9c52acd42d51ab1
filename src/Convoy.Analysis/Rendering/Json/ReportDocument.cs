using System.Text.Json.Serialization;

namespace Convoy.Analysis.Rendering.Json;

/// <summary>The document <c>report.json</c>. Times are seconds of <see cref="TimeBasis"/>; what is not known is null.</summary>
internal sealed record ReportDocument
{
    public required int BaselineProcesses { get; init; }

    /// <summary><c>step</c> or <c>run</c>.</summary>
    public required string TimeBasis { get; init; }

    /// <summary><c>strong</c> (the same global batch) or <c>weak</c> (the same batch in each process).</summary>
    public required string Scaling { get; init; }

    public required IReadOnlyList<string> Summary { get; init; }

    public required IReadOnlyList<ConfigurationDocument> Configurations { get; init; }

    public required RecommendationDocument Recommendation { get; init; }

    public required IReadOnlyList<PrecisionGainDocument> PrecisionGain { get; init; }

    public required IReadOnlyList<BreakdownDocument> Breakdown { get; init; }

    public required IReadOnlyList<ConclusionDocument> Conclusions { get; init; }

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
    double Speedup,
    double? SpeedupLow,
    double? SpeedupHigh,
    double Efficiency,
    double? EfficiencyLow,
    double? EfficiencyHigh,
    int Runs,
    int WarmUpSteps);

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
