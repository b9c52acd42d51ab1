using System.Text.Json;
using System.Text.Json.Serialization;

namespace Convoy.Metrics;

/// <summary>How the records become JSON: snake_case names, nulls left out, generated serializers so that start-up stays quick.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(RunMetrics))]
[JsonSerializable(typeof(StepMetrics))]
internal sealed partial class MetricsJson : JsonSerializerContext;
