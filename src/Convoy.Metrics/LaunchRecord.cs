using System.Text.Json.Serialization;

namespace Convoy.Metrics;

/// <summary>
/// How a run is started again, and what its settings are called: whoever reads the run can write its command line and name
/// its options without knowing the program. <c>launch</c> in metrics.json.
/// </summary>
/// <remarks>The command line is <see cref="Command"/>, then every setting's <see cref="SettingRecord.Arguments"/>, then <c>--</c> and <see cref="Program"/> if there is one.</remarks>
public sealed record LaunchRecord
{
    /// <summary>The words that come first, such as <c>convoy train</c>; at least one.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    // Lists that a file lacks come from the generated serializer as null, whatever their initial value.

    /// <summary>The settings in the order in which they are written.</summary>
    public IReadOnlyList<SettingRecord> Settings { get; init => field = value ?? []; } = [];

    /// <summary>The user's own program and its arguments, which follow <c>--</c>; empty for none.</summary>
    public IReadOnlyList<string> Program { get; init => field = value ?? []; } = [];

    /// <summary>The setting of that name; null when it is not recorded.</summary>
    public SettingRecord? Setting(string name) => Settings.FirstOrDefault(setting => setting.Name == name);
}

/// <summary>One setting of a run. <see cref="SettingNames"/> has the names that mean the same in all programs.</summary>
public sealed record SettingRecord
{
    /// <summary>The name, as the run's <c>config</c> has it: <c>nproc</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The option that sets it, or switches it on: <c>--nproc</c>, <c>--sync-bn</c>. Null when no option does.</summary>
    public string? Option { get; init; }

    /// <summary>The option that switches it off: <c>--no-sync-bn</c>; null when it is not a switch.</summary>
    public string? OffOption { get; init; }

    /// <summary>What to write for the run's value: <c>--nproc 4</c> as two words. Empty when nothing need be written.</summary>
    public IReadOnlyList<string> Arguments { get; init => field = value ?? []; } = [];

    /// <summary>The run's value, where <c>config</c> does not have it or has it in a form that runs cannot be compared by; null otherwise.</summary>
    public string? Value { get; init; }

    /// <summary>What another value would change; default <see cref="SettingEffect.Nothing"/>.</summary>
    public SettingEffect Effect { get; init; }

    /// <summary>What people call it: <c>loader workers</c>; null for the name.</summary>
    public string? Label { get; init; }
}

/// <summary>What a setting changes of that which is measured; decides whether runs with different values are compared.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SettingEffect>))]
public enum SettingEffect
{
    /// <summary>Neither the work nor its speed: a seed, a folder. Runs are compared, and nothing is said.</summary>
    [JsonStringEnumMemberName("nothing")]
    Nothing,

    /// <summary>Perhaps the speed of the same work: loader workers, memory format. Runs are compared with a warning.</summary>
    [JsonStringEnumMemberName("speed")]
    Speed,

    /// <summary>The work itself: the model, the size of a sample. Runs with different values are not compared.</summary>
    [JsonStringEnumMemberName("work")]
    Work,
}

/// <summary>Names of settings that mean the same in every run that has them: those of the file format, which a reader may know.</summary>
public static class SettingNames
{
    /// <summary>Processes of the run.</summary>
    public const string Processes = "nproc";

    /// <summary>Threads that compute in each process.</summary>
    public const string Threads = "threads";

    /// <summary>The arithmetic: <c>fp32</c>, <c>bf16</c>, <c>fp16</c>.</summary>
    public const string Precision = "precision";

    /// <summary>Samples of one step over all processes.</summary>
    public const string BatchSize = "batch_size";

    /// <summary>Steps whose gradients make one update.</summary>
    public const string Accumulate = "accumulate";

    /// <summary>Whether batch norm takes its statistics over all processes: <c>true</c> or <c>false</c>.</summary>
    public const string SyncBatchNorm = "sync_bn";

    /// <summary>Threads or processes that load samples for each process.</summary>
    public const string Workers = "workers";

    /// <summary>Where decoded samples are kept.</summary>
    public const string Cache = "cache";

    /// <summary>Bytes of gradients that each process exchanges in one step.</summary>
    public const string GradientBytes = "gradient_bytes";
}
