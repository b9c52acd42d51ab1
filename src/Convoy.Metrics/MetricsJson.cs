using System.Text.Json;
using System.Text.Json.Serialization;

namespace Convoy.Metrics;

/// <summary>
/// How the records become JSON: snake_case names, nulls left out, generated serializers so that start-up stays quick. A null
/// where there must be a value, and a name that is there twice, are errors.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(RunMetrics))]
[JsonSerializable(typeof(StepMetrics))]
internal sealed partial class MetricsJson : JsonSerializerContext;
