using System.Text.Json;
using System.Text.Json.Serialization;

namespace Convoy.Lanes.Checkpoints;

/// <summary>The JSON of <see cref="CheckpointState"/>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(CheckpointState))]
internal sealed partial class CheckpointJson : JsonSerializerContext;
