using System.Text.Json;
using Convoy.Metrics;

namespace Convoy.Lanes.Training;

/// <summary>
/// What rank 0 tells whoever watches the run; one line of JSON each when the watcher is another process. One of the
/// properties is set.
/// </summary>
public sealed record TrainingEvent
{
    /// <summary>The run is about to take its first step.</summary>
    public TrainingStart? Started { get; init; }

    /// <summary>A step was taken.</summary>
    public StepMetrics? Step { get; init; }

    /// <summary>A checkpoint was written to this folder.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>Something that the user should know of: what was passed over, and why.</summary>
    public string? Warning { get; init; }

    /// <summary>The event as one line of JSON.</summary>
    public string ToLine() => JsonSerializer.Serialize(this, TrainingEventJson.Default.TrainingEvent);

    /// <summary>Reads a line of <see cref="ToLine"/>; null for a line that is none, such as what a library printed.</summary>
    public static TrainingEvent? FromLine(string line)
    {
        if (!line.StartsWith('{'))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(line, TrainingEventJson.Default.TrainingEvent);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
