using System.Text.Json.Serialization;
using Convoy.Metrics;

namespace Convoy.Training.Studies;

/// <summary>What a study is told of a program without a task, beyond what it varies.</summary>
public sealed record ProgramStudy
{
    /// <summary>A run takes at most a week.</summary>
    internal const int MostSeconds = 604800;

    /// <summary>The program and its arguments as its user wrote them; at least one word.</summary>
    public required IReadOnlyList<string> Words { get; init; }

    /// <summary>What the program does with more processes, where it writes no steps; null when its user does not say.</summary>
    public RunWork? Work { get; init; }

    /// <summary>What a sample is called in the singular; null for what the program's own lines say, or else <c>sample</c>.</summary>
    public string? SampleNoun { get; init; }

    /// <summary>How long a run may take, in seconds; above 0. Default an hour. It changes nothing of what is measured, so that a study may go on with another.</summary>
    [JsonIgnore]
    public double RunTimeoutSeconds { get; init; } = 3600;
}
