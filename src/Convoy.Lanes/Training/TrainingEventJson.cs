using System.Text.Json;
using System.Text.Json.Serialization;

namespace Convoy.Lanes.Training;

/// <summary>The JSON of <see cref="TrainingEvent"/>: one line, snake_case names.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(TrainingEvent))]
internal sealed partial class TrainingEventJson : JsonSerializerContext;
