using System.Text.Json.Serialization;

namespace Convoy.Distributed.Diagnostics;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(FlightRecording))]
internal sealed partial class FlightRecorderJson : JsonSerializerContext;
