using Convoy.Metrics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Convoy.Training.Options;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Convoy.Training.Studies;

/// <summary>Everything that decides what a study measures; a study directory's <c>study.json</c>.</summary>
public sealed record StudySettings
{
    /// <summary>Threads that stand for cores / processes, at least 1.</summary>
    public const int AutoThreads = 0;

    private const int Most = 1024;

    /// <summary>Numbers of processes, each once; at least one.</summary>
    public required IReadOnlyList<int> Processes { get; init; }

    /// <summary>Numbers of threads in each process, or <see cref="AutoThreads"/>, each once; at least one.</summary>
    public required IReadOnlyList<int> Threads { get; init; }

    /// <summary>Precisions, each once; at least one, or none for a program that is told none and computes in its own.</summary>
    public required IReadOnlyList<Precision> Precisions { get; init; }

    /// <summary>Steps that every run measures, rounded up to whole updates; null for as many as <see cref="Minutes"/> leave time for.</summary>
    public int? Steps { get; init; }

    /// <summary>Steps at the start of every run that do not count, rounded up to whole updates; 0 or more. Default 2.</summary>
    public int Warmup { get; init; } = 2;

    /// <summary>Runs of each configuration; at least 1. Default 2.</summary>
    public int Repeats { get; init; } = 2;

    /// <summary>Time for all runs where <see cref="Steps"/> does not say how long they are; above 0. Default 3.</summary>
    public double Minutes { get; init; } = 3;

    /// <summary>Whether every process has a batch of its own, rather than a share of the same global batch.</summary>
    public bool Weak { get; init; }

    /// <summary>Samples of one step: over all processes, or with <see cref="Weak"/> in each. 0 for a program, which decides that itself.</summary>
    public required int BatchSize { get; init; }

    /// <summary>The machine, in words: runs of another one do not belong into the same study.</summary>
    public required string Machine { get; init; }

    /// <summary>The cores that the study may use.</summary>
    public required int Cores { get; init; }

    /// <summary>What all runs of a task have in common; processes, threads, precision, batch and length stand above. Null for a program.</summary>
    public required RunConfiguration? Training { get; init; }

    /// <summary>The program that is studied where it has no task; null for a task.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ProgramStudy? Program { get; init; }

    /// <summary>Refuses values outside their ranges and those that do not go together. Errors call settings as the command line does.</summary>
    /// <exception cref="BadInputException">The first value that is wrong.</exception>
    public void Validate()
    {
        RequireList(Processes, count => count is >= 1 and <= Most, "--processes", $"must be numbers from 1 to {Most}, separated by commas");
        RequireList(Threads, count => count is AutoThreads or (>= 1 and <= Most), "--threads", $"must be numbers from 1 to {Most}, or auto, separated by commas");
        if (Program is null || Precisions.Count > 0)
        {
            RequireList(Precisions, _ => true, "--precision", "must be fp32, bf16 or fp16, separated by commas");
        }

        Require(Steps is null or (>= 1 and <= 1_000_000), "--steps", "must be at least 1 and at most 1000000", Steps ?? 0);
        Require(Warmup is >= 0 and <= 1_000_000, "--warmup", "must be at least 0 and at most 1000000", Warmup);
        Require(Repeats is >= 1 and <= 1000, "--repeats", "must be at least 1 and at most 1000", Repeats);
        Require(Minutes > 0 && double.IsFinite(Minutes), "--minutes", "must be above 0", Minutes);
        Require(Program is not null || BatchSize >= 1, "--batch-size", "must be at least 1", BatchSize);
        Require(Program is null or { RunTimeoutSeconds: > 0 and <= ProgramStudy.MostSeconds }, "--run-timeout", $"must be above 0 and at most {ProgramStudy.MostSeconds}", Program?.RunTimeoutSeconds ?? 0);
    }

    /// <summary>What this study does differently from <paramref name="other"/>: <c>steps is 20, not 10</c>. Empty when the two measure the same.</summary>
    public IReadOnlyList<string> Differences(StudySettings other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return [.. Differences(StudyJson.ToJson(this), StudyJson.ToJson(other))];
    }

    private static IEnumerable<string> Differences(JsonObject mine, JsonObject others)
    {
        foreach (string name in mine.Select(p => p.Key).Union(others.Select(p => p.Key)))
        {
            JsonNode? one = mine[name], other = others[name];
            if (one is JsonObject inner && other is JsonObject otherInner)
            {
                foreach (string difference in Differences(inner, otherInner))
                {
                    yield return difference;
                }
            }
            else if (!JsonNode.DeepEquals(one, other))
            {
                yield return $"{name} is {Text(one)}, not {Text(other)}";
            }
        }
    }

    private static string Text(JsonNode? node) => node switch
    {
        null => "not given",
        JsonArray list => string.Join(',', list.Select(Text)),
        _ => node.ToString(),
    };

    private static void RequireList<T>(IReadOnlyList<T> values, Func<T, bool> holds, string name, string rule)
    {
        Require(values.Count > 0, name, rule, "none");
        foreach (T value in values)
        {
            Require(holds(value), name, rule, value!);
        }

        if (values.GroupBy(v => v).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new BadInputException($"{name} has the same value twice", Convert.ToString(twice.Key, CultureInfo.InvariantCulture)!, "Leave one of them out.");
        }
    }

    private static void Require(bool holds, string name, string rule, object value)
    {
        if (!holds)
        {
            throw new BadInputException($"{name} {rule} (got {Convert.ToString(value, CultureInfo.InvariantCulture)}).");
        }
    }
}

/// <summary>The JSON of a study's settings: snake_case names, generated serializers.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UseStringEnumConverter = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    RespectNullableAnnotations = true,
    WriteIndented = true)]
[JsonSerializable(typeof(StudySettings))]
[JsonSerializable(typeof(IReadOnlyList<MatrixPeak>))]
internal sealed partial class StudyJson : JsonSerializerContext
{
    /// <summary>The settings as <c>study.json</c> has them.</summary>
    public static JsonObject ToJson(StudySettings settings) => JsonSerializer.SerializeToNode(settings, Default.StudySettings)!.AsObject();
}
