using System.Text.Json;

namespace Convoy.Metrics;

/// <summary>
/// A rank's <c>metrics_rank{r}.jsonl</c>: one line a step, appended as the run goes, so that a run that dies leaves what
/// it measured.
/// </summary>
public sealed class StepMetricsLog : IDisposable
{
    private readonly FileStream _stream;

    /// <summary>
    /// Opens the log for the steps after <paramref name="lastStep"/>; steps that an earlier, interrupted run recorded beyond it are
    /// dropped, and lines that are no steps, see <see cref="StepMetricsRecord"/>.
    /// </summary>
    /// <param name="path">The file; made when absent.</param>
    /// <param name="lastStep">The last step that counts: 0 for a fresh run, the checkpoint's step for a resumed one.</param>
    /// <param name="otherwise">Records to take for steps up to the last one that the file has not; the first of a step counts. Null for none.</param>
    public StepMetricsLog(string path, long lastStep = 0, IEnumerable<StepMetrics>? otherwise = null)
    {
        IEnumerable<StepMetrics> kept = StepMetricsRecord.Read(path).Steps.Concat(otherwise ?? [])
            .Where(step => step.Step > 0 && step.Step <= lastStep)
            .DistinctBy(step => step.Step)
            .OrderBy(step => step.Step)
            .ToArray();
        AtomicFile.Write(path, stream =>
        {
            foreach (StepMetrics step in kept)
            {
                WriteLine(stream, step);
            }
        });
        _stream = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read);
    }

    /// <summary>Adds one step and hands it to the operating system, so that it survives this process.</summary>
    public void Append(StepMetrics step)
    {
        WriteLine(_stream, step);
        _stream.Flush();
    }

    /// <summary>Waits until all steps so far are on the disk, so that they survive the machine.</summary>
    public void FlushToDisk() => _stream.Flush(flushToDisk: true);

    /// <summary>Reads a log. A last line without its end, which a killed run leaves, is passed over.</summary>
    /// <exception cref="MetricsFormatException">A whole line is not a step; the message has its number.</exception>
    public static IReadOnlyList<StepMetrics> Read(string path)
    {
        string text = File.ReadAllText(path);
        string[] lines = text.Split('\n');
        var steps = new List<StepMetrics>(lines.Length);

        // What follows the last line end is empty, or the line that a killed run was writing.
        for (int i = 0; i < lines.Length - 1; i++)
        {
            (StepMetrics? step, Exception? error) = Parse(lines[i]);
            steps.Add(step ?? throw new MetricsFormatException($"not a step ({path}, line {i + 1}){(error is null ? "" : $": {error.Message}")}", error));
        }

        return steps;
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    /// <summary>The step of a line; null when it is none, with what the serializer said if it said anything.</summary>
    internal static (StepMetrics? Step, Exception? Error) Parse(string line)
    {
        try
        {
            return (JsonSerializer.Deserialize(line, MetricsJson.Default.StepMetrics), null);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // The second kind is for text that is no Unicode.
            return (null, error);
        }
    }

    private static void WriteLine(Stream stream, StepMetrics step)
    {
        JsonSerializer.Serialize(stream, step, MetricsJson.Default.StepMetrics);
        stream.WriteByte((byte)'\n');
    }
}

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
            StepMetrics? step = StepMetricsLog.Parse(lines[i]).Step;
            if (step?.Step > last)
            {
                steps.Add(step);
            }
            else if (damage is null)
            {
                string fault = step is null ? "is no step" : FormattableString.Invariant($"is step {step.Step} after step {last}");
                (lastSound, damage) = (last, FormattableString.Invariant($"line {i + 1} {fault}"));
            }
        }

        return new StepMetricsRecord(steps, lastSound, damage);
    }
}
