using System.Text.Json;
using System.Text.Json.Serialization;
using Convoy.Metrics;

namespace Convoy.Training.Runs;

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

    /// <summary>What the run does besides its steps and that its user may want to know, such as a measurement that the next run is spared.</summary>
    public string? Note { get; init; }

    /// <summary>The event as one line of JSON.</summary>
    public string ToLine() => JsonSerializer.Serialize(this, TrainingEventJson.Default.TrainingEvent);

    /// <summary>Reads a line of <see cref="ToLine"/>; null for a line that is none, such as what a library printed.</summary>
    public static TrainingEvent? FromLine(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
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

/// <summary>What is known when a run, fresh or resumed, takes its first step.</summary>
/// <param name="StepsDone">Steps that the checkpoint has, 0 for a fresh run.</param>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="StepsPerEpoch">Steps in one pass over the data.</param>
public sealed record TrainingStart(long StepsDone, long Steps, int StepsPerEpoch);

/// <summary>The JSON of <see cref="TrainingEvent"/>: one line, snake_case names.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(TrainingEvent))]
internal sealed partial class TrainingEventJson : JsonSerializerContext;
