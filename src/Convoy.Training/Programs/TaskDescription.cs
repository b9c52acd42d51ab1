using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Convoy.Training.Options;

namespace Convoy.Training.Programs;

/// <summary>What a program says of its task, so that it can be trained, studied and tuned from outside: one line of JSON on standard output.</summary>
public sealed record TaskDescription
{
    private const string Mark = "{\"convoy_task\":";

    private static readonly JsonSerializerOptions Format = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true };

    /// <summary>The task's name.</summary>
    [JsonPropertyName("convoy_task")]
    public required string Name { get; init; }

    /// <summary>What a sample is called in the singular.</summary>
    public required string SampleNoun { get; init; }

    /// <summary>Samples to train on.</summary>
    public required int Samples { get; init; }

    /// <summary>Whether the task makes its data ready before its processes start.</summary>
    public required bool Prepares { get; init; }

    /// <summary>The data in words.</summary>
    public required string Data { get; init; }

    /// <summary>The task's settings, by their names in <c>config.json</c>.</summary>
    public required JsonObject Settings { get; init; }

    /// <summary>The settings of a run where its user says nothing, by their names in <c>config.json</c>.</summary>
    public required JsonObject Defaults { get; init; }

    /// <summary>The defaults as options.</summary>
    public TrainingOptions TrainingDefaults() => new TrainingOptions().With(Defaults);

    /// <summary>The description as a line.</summary>
    public string ToLine() => JsonSerializer.Serialize(this, Format);

    /// <summary>Reads a line of <see cref="ToLine"/>; null for any other line.</summary>
    public static TaskDescription? FromLine(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        if (!line.StartsWith(Mark, StringComparison.Ordinal))
        {
            return null;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(line, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return SettingsFile.IsUnicode(document.RootElement) ? document.Deserialize<TaskDescription>(Format) : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
