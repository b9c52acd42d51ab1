using System.Text.Json.Nodes;

namespace Convoy.Metrics;

/// <summary>A run's <c>metrics.json</c>: its configuration, the machine, and one record a step.</summary>
public sealed record RunMetrics
{
    /// <summary>The newest form of the file that this library writes and reads.</summary>
    public const int CurrentSchema = 1;

    /// <summary>The file's form; <see cref="CurrentSchema"/> for files of this library.</summary>
    public int Schema { get; init; } = CurrentSchema;

    /// <summary>When the run's first step started.</summary>
    public required DateTimeOffset StartTime { get; init; }

    /// <summary>When the run's last step ended.</summary>
    public required DateTimeOffset EndTime { get; init; }

    /// <summary>The run's settings as its <c>config.json</c> has them, or null when not recorded.</summary>
    public JsonObject? Config { get; init; }

    /// <summary>How the run is started again and what its settings are called, or null when not recorded.</summary>
    public LaunchRecord? Launch { get; init; }

    /// <summary>What the run calls one sample of its data, a noun whose plural ends in s: <c>image</c>. Null when not recorded: <c>sample</c>.</summary>
    public string? SampleNoun { get; init; }

    /// <summary>The machine, or null when not recorded.</summary>
    public HostInfo? Host { get; init; }

    /// <summary>Steps at the start that whoever measured means to be left out; null when the reader has to choose.</summary>
    public int? WarmupSteps { get; init; }

    /// <summary>The steps in order.</summary>
    public required IReadOnlyList<StepMetrics> Metrics { get; init; }
}
