using System.Text.Json;

namespace Convoy.Distributed.Tests.Diagnostics;

/// <summary>An event of a trace; microseconds.</summary>
internal sealed record TracedEvent(int Process, string Track, string Name, double Start, double Duration)
{
    public double End => Start + Duration;
}

/// <summary>A trace file as a viewer reads it.</summary>
internal sealed record TraceContent(IReadOnlyList<string> Processes, IReadOnlyList<TracedEvent> Events)
{
    public static TraceContent Read(string path)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
        JsonElement[] all = [.. document.RootElement.GetProperty("traceEvents").EnumerateArray()];
        string Name(string kind, int process, int? track) => all.Single(item => Kind(item) == "M" && Text(item, "name") == kind && Number(item, "pid") == process
            && (track is null || Number(item, "tid") == track)).GetProperty("args").GetProperty("name").GetString()!;
        TracedEvent[] events = [.. all.Where(item => Kind(item) == "X").Select(item => new TracedEvent(
            Number(item, "pid"), Name("thread_name", Number(item, "pid"), Number(item, "tid")), Text(item, "name"), item.GetProperty("ts").GetDouble(), item.GetProperty("dur").GetDouble()))];
        return new TraceContent([.. events.Select(item => item.Process).Distinct().Order().Select(process => Name("process_name", process, null))], events);
    }

    public IEnumerable<string> Names(int process, string track) => Events.Where(item => item.Process == process && item.Track == track).Select(item => item.Name);

    /// <summary>On one track an event lies within another or outside of it: viewers draw nothing sensible otherwise.</summary>
    public void RequireNesting()
    {
        const double rounding = 0.002;
        foreach (IGrouping<(int, string), TracedEvent> track in Events.GroupBy(item => (item.Process, item.Track)))
        {
            var open = new Stack<TracedEvent>();
            foreach (TracedEvent item in track)
            {
                Assert.True(item.Duration >= 0, $"{item} has a negative duration");
                while (open.TryPeek(out TracedEvent? outer) && outer.End <= item.Start + rounding)
                {
                    open.Pop();
                }

                Assert.True(open.Count == 0 || (item.Start >= open.Peek().Start - rounding && item.End <= open.Peek().End + rounding), $"{item} overlaps with {(open.Count > 0 ? open.Peek() : null)}");
                open.Push(item);
            }
        }
    }

    private static string Kind(JsonElement item) => Text(item, "ph");

    private static string Text(JsonElement item, string name) => item.GetProperty(name).GetString()!;

    private static int Number(JsonElement item, string name) => item.GetProperty(name).GetInt32();
}
