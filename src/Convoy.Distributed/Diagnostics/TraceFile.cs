using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Convoy.Distributed.Diagnostics;

/// <summary>
/// Files in Chrome's trace event format, which chrome://tracing and ui.perfetto.dev show: a process for each rank, in it a line
/// for the training loop and one for the operations of each process group. Times are microseconds.
/// </summary>
public static class TraceFile
{
    // Over 30,000 years after the machine's start; differences of such times still have a fraction.
    private const double LatestMicroseconds = 1e18;

    private static readonly JsonDocumentOptions Format = new() { AllowDuplicateProperties = false };

    /// <summary>The file of a rank in <paramref name="directory"/>.</summary>
    public static string PathFor(string directory, int rank) => Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"trace-rank-{rank}.json"));

    /// <summary>
    /// Puts the files of all ranks in <paramref name="directory"/> on one time line that begins with the first event, and removes them. One
    /// that is no trace, such as what a full disk cut short, is left out and stays where it is.
    /// </summary>
    /// <param name="directory">The folder that the ranks wrote to.</param>
    /// <param name="output">The file to write.</param>
    /// <param name="onDamaged">Told of each file that is left out, in a line; null: nobody is.</param>
    /// <returns>Whether there was anything: a run that ended before the first traced step leaves nothing.</returns>
    /// <exception cref="IOException">A file cannot be read or written.</exception>
    public static bool Merge(string directory, string output, Action<string>? onDamaged = null)
    {
        var events = new List<JsonNode>();
        var merged = new List<string>();
        foreach (string file in RankFiles(directory))
        {
            if (Events(File.ReadAllText(file)) is { } read)
            {
                events.AddRange(read.Select(item => item!.DeepClone()));
                merged.Add(file);
            }
            else
            {
                onDamaged?.Invoke($"a rank's trace is damaged and was left out ({file})");
            }
        }

        JsonNode[] timed = [.. events.Where(item => item["ts"] is not null)];
        if (timed.Length > 0)
        {
            double origin = timed.Min(item => item["ts"]!.GetValue<double>());
            foreach (JsonNode item in timed)
            {
                item["ts"] = Math.Round(item["ts"]!.GetValue<double>() - origin, 3);
            }

            Save(output, new JsonArray([.. events]));
        }

        foreach (string file in merged)
        {
            File.Delete(file);
        }

        return timed.Length > 0;
    }

    /// <summary>Removes the files of all ranks from <paramref name="directory"/>, such as those of an earlier run that was killed before they were merged.</summary>
    /// <exception cref="IOException">A file cannot be removed.</exception>
    public static void DeleteAll(string directory)
    {
        foreach (string file in RankFiles(directory))
        {
            File.Delete(file);
        }
    }

    /// <summary>Writes one rank's events; times count from the machine's start.</summary>
    internal static void Write(string path, int rank, IReadOnlyList<TraceEvent> events)
    {
        // The training loop first, then the groups by name.
        string[] tracks = [.. events.Select(item => item.Track).Distinct()
            .OrderBy(track => track != TraceRecorder.LoopTrack).ThenBy(track => !track.StartsWith(TraceRecorder.CommunicationTrack, StringComparison.Ordinal)).ThenBy(track => track, StringComparer.Ordinal)];
        var list = new JsonArray();
        if (events.Count > 0)
        {
            list.Add(Metadata("process_name", rank, 0, "name", string.Create(CultureInfo.InvariantCulture, $"rank {rank}")));
            list.Add(Metadata("process_sort_index", rank, 0, "sort_index", rank));
        }

        for (int track = 0; track < tracks.Length; track++)
        {
            list.Add(Metadata("thread_name", rank, track + 1, "name", tracks[track]));
            list.Add(Metadata("thread_sort_index", rank, track + 1, "sort_index", track + 1));
        }

        // The enclosing one before what it encloses: at equal times viewers take the file's order.
        foreach (TraceEvent item in events.OrderBy(item => item.Start).ThenByDescending(item => item.End))
        {
            list.Add(Timed(item, rank, Array.IndexOf(tracks, item.Track) + 1));
        }

        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
        {
            Directory.CreateDirectory(folder);
        }

        Save(path, list);
    }

    private static JsonObject Metadata(string name, int rank, int track, string key, JsonNode value) =>
        new() { ["ph"] = "M", ["name"] = name, ["pid"] = rank, ["tid"] = track, ["args"] = new JsonObject { [key] = value } };

    private static JsonObject Timed(TraceEvent item, int rank, int track)
    {
        // Both ends are rounded alike, so that what touches or encloses in time still does.
        double start = Microseconds(item.Start), end = Microseconds(item.End);
        var json = new JsonObject
        {
            ["ph"] = "X",
            ["name"] = item.Name,
            ["cat"] = item.Track == TraceRecorder.LoopTrack ? "loop" : "communication",
            ["pid"] = rank,
            ["tid"] = track,
            ["ts"] = start,
            ["dur"] = Math.Round(end - start, 3),
        };
        if (item.Operation is { } operation)
        {
            json["args"] = new JsonObject
            {
                ["operation"] = operation.ToString(),
                ["bytes"] = operation.Bytes,
                ["queued_us"] = Math.Round(start - Microseconds(item.Queued), 3),
            };
        }

        return json;
    }

    private static double Microseconds(long timestamp) => Math.Round(timestamp * 1e6 / Stopwatch.Frequency, 3);

    private static void Save(string path, JsonArray events)
    {
        string unfinished = path + ".tmp";
        using (FileStream stream = File.Create(unfinished))
        using (var json = new Utf8JsonWriter(stream))
        {
            new JsonObject { ["displayTimeUnit"] = "ms", ["traceEvents"] = events }.WriteTo(json);
        }

        File.Move(unfinished, path, overwrite: true);
    }

    /// <summary>The events of a file's text; null when it is no trace.</summary>
    private static JsonArray? Events(string text)
    {
        try
        {
            if (JsonNode.Parse(text, documentOptions: Format) is JsonObject trace && trace["traceEvents"] is JsonArray events && events.All(IsEvent))
            {
                // Texts are looked at only when they are written: one with half a surrogate pair must not be found in the midst of the merged file.
                _ = events.ToJsonString();
                return events;
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }

        return null;
    }

    private static bool IsEvent(JsonNode? item) =>
        item is JsonObject && item["ts"] is var time && (time is null || (time is JsonValue value && value.TryGetValue(out double microseconds) && Math.Abs(microseconds) < LatestMicroseconds));

    private static string[] RankFiles(string directory) => Directory.Exists(directory) ? Directory.GetFiles(directory, "trace-rank-*.json") : [];
}
