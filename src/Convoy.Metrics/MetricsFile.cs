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

        if (run.Host is { } host && (host.InstructionSets.Contains(null!) || host.Versions.Values.Contains(null!)))
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
