using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json;

namespace Convoy.Metrics;

/// <summary>Writes and reads a run's <c>metrics.json</c>.</summary>
public static class MetricsFile
{
    /// <summary>Writes <paramref name="run"/>; a reader sees the old file or the new one, never half of one.</summary>
    public static void Write(string path, RunMetrics run) =>
        AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, run, MetricsJson.Default.RunMetrics));

    /// <summary>Reads <paramref name="path"/>.</summary>
    /// <exception cref="MetricsFormatException">The file is no metrics file, is cut off, or is of a newer form.</exception>
    public static RunMetrics Read(string path)
    {
        RunMetrics? run;
        try
        {
            using FileStream stream = File.OpenRead(path);
            run = JsonSerializer.Deserialize(stream, MetricsJson.Default.RunMetrics);
        }
        catch (JsonException error) when (error.Message.Contains("null values", StringComparison.Ordinal))
        {
            throw new MetricsFormatException($"a value is null where there must be one ({path}, line {error.LineNumber + 1}, {error.Path})", error);
        }
        catch (JsonException error)
        {
            throw new MetricsFormatException($"not a metrics file ({path}, line {error.LineNumber + 1}): {error.Message}", error);
        }
        catch (InvalidOperationException error)
        {
            // The serializer reads a text late: one that Unicode does not know.
            throw new MetricsFormatException($"a text holds half of a character ({path}): {error.Message}", error);
        }

        if (run is null || run.Schema > RunMetrics.CurrentSchema)
        {
            throw new MetricsFormatException($"not a metrics file of form {RunMetrics.CurrentSchema} or older ({path})");
        }

        RequireWhole(run, path);
        return run;
    }

    // What the serializer does not look into: the elements of lists.
    private static void RequireWhole(RunMetrics run, string path)
    {
        int record = run.Metrics.Index().FirstOrDefault(step => step.Item is null, (-1, null!)).Index;
        if (record >= 0)
        {
            throw new MetricsFormatException($"a record of \"metrics\" is null ({path}, record {record + 1})");
        }

        if (run.Host is { } host && (host.InstructionSets.Contains(null!) || host.Versions.Values.Contains(null!) || host.MatrixPeaks?.Any(peak => peak?.Precision is null) == true))
        {
            throw new MetricsFormatException($"\"host\" holds a null in its lists ({path})");
        }

        if (run.Launch is { } launch
            && (launch.Command.Contains(null!) || launch.Program.Contains(null!) || launch.Settings.Any(setting => setting is null || setting.Arguments.Contains(null!))))
        {
            throw new MetricsFormatException($"\"launch\" holds a null in its lists ({path})");
        }
    }
}

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

    /// <summary>
    /// Floating-point operations that a step takes for one sample, forward and backward, in convolutions, linear and recurrent layers as they are defined:
    /// a multiplication and an addition are two, and what faster algorithms (Winograd's) leave out is counted. Null when not recorded.
    /// </summary>
    public double? FlopsPerSample { get; init; }

    /// <summary>How many passes of the network's convolutions (result, gradients of input and weights; those of equal sizes count once) each kernel computes, by the kernels' names. Null when not recorded, as of runs whose kernels no table names.</summary>
    public IReadOnlyDictionary<string, int>? Kernels { get; init; }

    /// <summary>The machine, or null when not recorded.</summary>
    public HostInfo? Host { get; init; }

    /// <summary>Steps at the start that whoever measured means to be left out; null when the reader has to choose.</summary>
    public int? WarmupSteps { get; init; }

    /// <summary>
    /// Seconds from the start of the run's processes to the end of the last: what is known of a program that recorded no steps, with
    /// starting it inside. Null for a run with steps.
    /// </summary>
    public double? WallTime { get; init; }

    /// <summary>Of a run with <see cref="WallTime"/>: what its program does with more processes; null when its user did not say, and runs with different numbers of them cannot be compared.</summary>
    public RunWork? Work { get; init; }

    /// <summary>The steps in order; empty for a run with <see cref="WallTime"/>.</summary>
    public required IReadOnlyList<StepMetrics> Metrics { get; init; }
}

/// <summary>How the work of a whole run depends on the number of its processes.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunWork>))]
public enum RunWork
{
    /// <summary>All processes share the same work, however many there are: strong scaling.</summary>
    [JsonStringEnumMemberName("fixed")]
    Fixed,

    /// <summary>Every process does the same work, so that more processes do more: weak scaling.</summary>
    [JsonStringEnumMemberName("per_process")]
    PerProcess,
}

/// <summary>A metrics file is not what it should be. The message names the file, the line where there is one, and what is wrong.</summary>
public sealed class MetricsFormatException : Exception
{
    /// <inheritdoc/>
    public MetricsFormatException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>
/// How the records become JSON: snake_case names, nulls left out, generated serializers so that start-up stays quick. A null
/// where there must be a value, and a name that is there twice, are errors.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(RunMetrics))]
[JsonSerializable(typeof(StepMetrics))]
[JsonSerializable(typeof(double))]
internal sealed partial class MetricsJson : JsonSerializerContext;
