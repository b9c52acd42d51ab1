using System.Text.Json.Nodes;
using Convoy.Lanes.Training;
using Convoy.Training.Tuning;

namespace Convoy.Cli.Tuning;

/// <summary>What <c>convoy tune</c> found: the document that <c>--json</c> prints.</summary>
/// <param name="Config">The file for <c>train --config</c>.</param>
/// <param name="SampleNoun">What a sample is called.</param>
/// <param name="SamplesPerSecond">The speed of the winner.</param>
/// <param name="PeakMemoryBytes">What a process of the winner took at its peak, the largest of the ranks'.</param>
/// <param name="MemoryLimitBytes">What all processes together may take.</param>
/// <param name="Candidates">All configurations, the fastest first.</param>
internal sealed record TuneReport(JsonObject Config, string SampleNoun, double SamplesPerSecond, long? PeakMemoryBytes, long MemoryLimitBytes, IReadOnlyList<TuneReport.Candidate> Candidates)
{
    /// <summary>Makes the document.</summary>
    public static TuneReport From(TuningCandidate best, IReadOnlyList<TuningCandidate> candidates, MemoryLimit memory, JsonObject config, string sampleNoun) => new(
        config,
        sampleNoun,
        1 / best.SampleSeconds,
        best.PeakMemoryBytes,
        memory.Bytes,
        List(candidates));

    /// <summary>All configurations, as the document has them.</summary>
    public static IReadOnlyList<Candidate> List(IReadOnlyList<TuningCandidate> candidates) =>
        [
            .. candidates.Select(c => new Candidate(
                c.Configuration.Processes,
                c.Configuration.Threads,
                c.Configuration.Precision?.Name(),
                c.Configuration.ChannelsLast,
                c.Configuration.Workers,
                c.Configuration.Batch?.Size,
                c.Configuration.Batch?.Accumulate,
                c.UpdateSeconds.Count == 0 ? null : 1 / c.SampleSeconds,
                c.RelativeSpread,
                c.PeakMemoryBytes,
                c.UpdateSeconds.Count,
                c.Trials,
                c.End.ToString(),
                c.Error)),
        ];

    /// <summary>One configuration.</summary>
    internal sealed record Candidate(
        int Nproc,
        int Threads,
        string? Precision,
        bool? ChannelsLast,
        int? Workers,
        int? BatchSize,
        int? Accumulate,
        double? SamplesPerSecond,
        double? RelativeSpread,
        long? PeakMemoryBytes,
        int Updates,
        int Trials,
        string End,
        string? Error);
}
