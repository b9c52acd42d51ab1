using System.Text.Json.Nodes;
using Convoy.Lanes.Training;
using Convoy.Training.Tuning;

namespace Convoy.Cli.Tuning;

/// <summary>What <c>convoy tune</c> found: the document that <c>--json</c> prints.</summary>
/// <param name="Config">The file for <c>train --config</c>.</param>
/// <param name="ImagesPerSecond">The speed of the winner.</param>
/// <param name="Candidates">All configurations, the fastest first.</param>
internal sealed record TuneReport(JsonObject Config, double ImagesPerSecond, IReadOnlyList<TuneReport.Candidate> Candidates)
{
    /// <summary>Makes the document.</summary>
    public static TuneReport From(TuningCandidate best, IReadOnlyList<TuningCandidate> candidates, int batchSize, JsonObject config) => new(
        config,
        batchSize / best.MedianSeconds,
        [
            .. candidates.Select(c => new Candidate(
                c.Configuration.Processes,
                c.Configuration.Threads,
                c.Configuration.Precision.Name(),
                c.Configuration.ChannelsLast,
                c.Configuration.Workers,
                c.StepSeconds.Count == 0 ? null : batchSize / c.MedianSeconds,
                c.RelativeSpread,
                c.StepSeconds.Count,
                c.Trials,
                c.End.ToString(),
                c.Error)),
        ]);

    /// <summary>One configuration.</summary>
    internal sealed record Candidate(
        int Nproc,
        int Threads,
        string Precision,
        bool ChannelsLast,
        int Workers,
        double? ImagesPerSecond,
        double? RelativeSpread,
        int Steps,
        int Trials,
        string End,
        string? Error);
}
