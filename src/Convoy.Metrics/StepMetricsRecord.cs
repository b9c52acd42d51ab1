using System.Text.Json;

namespace Convoy.Metrics;

/// <summary>What can be read of a rank's <c>metrics_rank{r}.jsonl</c> that may be damaged.</summary>
public sealed class StepMetricsRecord
{
    private StepMetricsRecord(IReadOnlyList<StepMetrics> steps, long? lastSoundStep, string? damage)
    {
        Steps = steps;
        LastSoundStep = lastSoundStep;
        Damage = damage;
    }

    /// <summary>The steps that can be read, in ascending order.</summary>
    public IReadOnlyList<StepMetrics> Steps { get; }

    /// <summary>The last step before the first line that is damaged, 0 when that is the first; null when no line is.</summary>
    public long? LastSoundStep { get; }

    /// <summary>Which line is damaged first and what is wrong with it; null when none is.</summary>
    public string? Damage { get; }

    /// <summary>
    /// Reads a log. A line that is no step, or whose step does not follow those before, is damaged and passed over. A last line without
    /// its end, which a killed run leaves, is no damage.
    /// </summary>
    /// <param name="path">The file; an absent one has no steps.</param>
    public static StepMetricsRecord Read(string path)
    {
        if (!File.Exists(path))
        {
            return new StepMetricsRecord([], null, null);
        }

        string[] lines = File.ReadAllText(path).Split('\n');
        var steps = new List<StepMetrics>(lines.Length);
        long? lastSound = null;
        string? damage = null;
        for (int i = 0; i < lines.Length - 1; i++)
        {
            long last = steps.Count > 0 ? steps[^1].Step : 0;
            (StepMetrics? step, string? fault) = Parse(lines[i], last);
            if (step is not null)
            {
                steps.Add(step);
            }
            else if (damage is null)
            {
                (lastSound, damage) = (last, FormattableString.Invariant($"line {i + 1} {fault}"));
            }
        }

        return new StepMetricsRecord(steps, lastSound, damage);
    }

    private static (StepMetrics? Step, string? Fault) Parse(string line, long last)
    {
        try
        {
            StepMetrics? step = JsonSerializer.Deserialize(line, MetricsJson.Default.StepMetrics);
            return step is null ? (null, "is no step")
                : step.Step <= last ? (null, FormattableString.Invariant($"is step {step.Step} after step {last}"))
                : (step, null);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // The reader's second kind is for text that is no Unicode.
            return (null, "is no step");
        }
    }
}
