using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Convoy.Metrics;

/// <summary>
/// A rank's <c>metrics_rank{r}.jsonl</c> as any program may write it, line by line: <c>step</c>, <c>loss</c>, <c>batch_size</c> and
/// <c>timestamp</c> have to be there, everything else of <see cref="StepMetrics"/> may be missing.
/// </summary>
/// <remarks>
/// <c>timestamp</c> is the time at which the step ended: ISO 8601, or seconds since 1970 as Python's <c>time.time()</c> gives them. A step
/// without <c>step_time</c> took the time since the one before; the first of them has none then. NaN and Infinity are read without quotes too, as Python writes them.
/// </remarks>
/// <param name="rank">The rank whose lines these are; a line need not say it.</param>
public sealed partial class RecordedSteps(int rank)
{
    private static readonly string[] Needed = ["step", "loss", "batch_size", "timestamp"];

    private readonly List<StepMetrics> _steps = [];
    private double _firstSeconds;

    /// <summary>The steps so far, in ascending order.</summary>
    public IReadOnlyList<StepMetrics> Steps => _steps;

    /// <summary>What the program calls a sample (<c>sample_noun</c> in a line, as in metrics.json); null where no line says.</summary>
    public string? SampleNoun { get; private set; }

    /// <summary>Reads a whole file. A last line without its end, which a killed run leaves, is passed over.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rank">The rank whose file it is.</param>
    /// <exception cref="MetricsFormatException">A line is no step; the message has its number and what is wrong.</exception>
    public static RecordedSteps Read(string path, int rank)
    {
        var steps = new RecordedSteps(rank);
        string[] lines = File.ReadAllText(path).Split('\n');
        for (int i = 0; i < lines.Length - 1; i++)
        {
            if (steps.Add(lines[i]) is { } fault)
            {
                throw new MetricsFormatException(string.Create(CultureInfo.InvariantCulture, $"not a step ({path}, line {i + 1}): {fault}"));
            }
        }

        return steps;
    }

    /// <summary>Takes the next line.</summary>
    /// <param name="line">The line without its end.</param>
    /// <returns>Null, or what is wrong with it; it is not taken then.</returns>
    public string? Add(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        StepMetrics step;
        try
        {
            JsonNode? node = JsonNode.Parse(
                BareNumber().Replace(line, match => $"\"{match.Value}\""), documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (node is not JsonObject fields)
            {
                return "it is no JSON object";
            }

            if (Array.Find(Needed, name => fields[name] is null) is { } missing)
            {
                return $"it has no \"{missing}\"";
            }

            if (Time(fields["timestamp"]!) is not { } time)
            {
                return $"\"timestamp\" is no time: {fields["timestamp"]!.ToJsonString()}";
            }

            SampleNoun ??= (string?)fields["sample_noun"];
            step = Complete(fields, time);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            return error.Message;
        }

        long last = _steps.Count > 0 ? _steps[^1].Step : 0;
        if (step.Step <= last)
        {
            return string.Create(CultureInfo.InvariantCulture, $"it is step {step.Step} after step {last}");
        }

        _steps.Add(step);
        return null;
    }

    // What the format needs, and the line may leave out.
    private StepMetrics Complete(JsonObject fields, DateTimeOffset time)
    {
        fields["timestamp"] = time;
        fields["rank"] = rank;
        double? seconds = fields["step_time"]?.Deserialize(MetricsJson.Default.Double);
        if (_steps.Count == 0)
        {
            _firstSeconds = seconds ?? 0;
        }
        else if (seconds is null)
        {
            fields["step_time"] = (time - _steps[^1].Timestamp).TotalSeconds;
        }

        fields["elapsed_time"] ??= _firstSeconds + (_steps.Count == 0 ? 0 : (time - _steps[0].Timestamp).TotalSeconds);
        return fields.Deserialize(MetricsJson.Default.StepMetrics)!;
    }

    private static DateTimeOffset? Time(JsonNode node)
    {
        const double MostSeconds = 253402300799; // the end of the year 9999
        JsonValue value = node.AsValue();
        return value.TryGetValue(out double seconds)
            ? seconds is >= 0 and <= MostSeconds ? DateTimeOffset.UnixEpoch + TimeSpan.FromSeconds(seconds) : null
            : value.TryGetValue(out string? text) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time : null;
    }

    // Python's json writes numbers that JSON does not know as they are.
    [GeneratedRegex(@"(?<=[:\s,\[])(-?Infinity|NaN)(?=\s*[,}\]])", RegexOptions.CultureInvariant)]
    private static partial Regex BareNumber();
}
