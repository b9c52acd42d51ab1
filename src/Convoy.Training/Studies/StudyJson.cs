using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Convoy.Training.Studies;

/// <summary>The JSON of a study's settings: snake_case names, generated serializers.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UseStringEnumConverter = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    RespectNullableAnnotations = true,
    WriteIndented = true)]
[JsonSerializable(typeof(StudySettings))]
internal sealed partial class StudyJson : JsonSerializerContext
{
    /// <summary>The settings as <c>study.json</c> has them.</summary>
    public static JsonObject ToJson(StudySettings settings) => JsonSerializer.SerializeToNode(settings, Default.StudySettings)!.AsObject();
}
