using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Convoy.Lanes.Sweeps;

/// <summary>The JSON of a study's settings: snake_case names, generated serializers.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UseStringEnumConverter = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    RespectNullableAnnotations = true,
    WriteIndented = true)]
[JsonSerializable(typeof(SweepSettings))]
internal sealed partial class SweepJson : JsonSerializerContext
{
    /// <summary>The settings as <c>study.json</c> has them.</summary>
    public static JsonObject ToJson(SweepSettings settings) => JsonSerializer.SerializeToNode(settings, Default.SweepSettings)!.AsObject();
}
