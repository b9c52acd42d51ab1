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
            try
            {
                steps.Add(JsonSerializer.Deserialize(lines[i], MetricsJson.Default.StepMetrics)
                    ?? throw new MetricsFormatException($"not a step ({path}, line {i + 1})"));
            }
            catch (Exception error) when (error is JsonException or InvalidOperationException)
            {
                throw new MetricsFormatException($"not a step ({path}, line {i + 1}): {error.Message}", error);
            }
        }

        return steps;
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private static void WriteLine(Stream stream, StepMetrics step)
    {
        JsonSerializer.Serialize(stream, step, MetricsJson.Default.StepMetrics);
        stream.WriteByte((byte)'\n');
    }
}
