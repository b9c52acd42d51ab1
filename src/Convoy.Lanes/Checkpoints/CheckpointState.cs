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

    /// <summary>Seconds of training up to here, over all sessions of the run.</summary>
    public required double ElapsedTime { get; init; }
}
