using System.Text.Json;
using System.Text.Json.Serialization;
using Convoy.Lanes.Models;
using Convoy.Torch.Nn;

namespace Convoy.Lanes.Training;

/// <summary>The JSON of configurations, checkpoints' states and progress: snake_case names, generated serializers.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    Converters = [typeof(EnumNameJsonConverter<Precision>), typeof(EnumNameJsonConverter<FusedOperations>), typeof(EnumNameJsonConverter<EncoderDepth>)],
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    WriteIndented = true)]
[JsonSerializable(typeof(TrainingOptions))]
internal sealed partial class TrainingJson : JsonSerializerContext;
