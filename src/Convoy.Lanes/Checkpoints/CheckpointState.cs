using System.Text.Json.Serialization;

namespace Convoy.Lanes.Checkpoints;

/// <summary>A checkpoint's <c>state.json</c>: where the run stood. Everything else follows from the step's number.</summary>
public sealed record CheckpointState
{
    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>The network, as <c>Convoy.Lanes.Models.EncoderDepth</c> names its encoder.</summary>
    public required string Encoder { get; init; }

    /// <summary>The size that the network was trained at, <c>WIDTHxHEIGHT</c>.</summary>
    public required string ImageSize { get; init; }

    /// <summary>The width of a lane in the masks that it was trained on, in pixels; null for the default at that size.</summary>
    public double? LineWidth { get; init; }

    /// <summary>Seconds of training up to here, over all sessions of the run.</summary>
    public required double ElapsedTime { get; init; }

    /// <summary>The gradient scaler under PyTorch's keys, null where the run needs none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, double>? GradScaler { get; init; }
}
