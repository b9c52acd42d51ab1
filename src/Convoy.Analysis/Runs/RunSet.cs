using Convoy.Metrics;

namespace Convoy.Analysis.Runs;

/// <summary>Runs that can be compared: the same work on the same machine, so that what differs is the configuration.</summary>
public sealed record RunSet
{
    private RunSet()
    {
    }

    /// <summary>All runs.</summary>
    public required IReadOnlyList<Run> Runs { get; init; }

    /// <summary>One for each configuration, sorted by precision, threads and processes.</summary>
    public required IReadOnlyList<ConfigurationMeasurement> Measurements { get; init; }

    /// <summary>What the seconds are the seconds of.</summary>
    public required TimeBasis Basis { get; init; }

    /// <summary>Whether every process has the same batch however many there are (weak scaling), rather than a share of the same global batch.</summary>
    public required bool IsWeakScaling { get; init; }

    /// <summary>What a reader has to know before believing the numbers; one sentence each.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>What all runs call a sample; <see cref="Run.DefaultSampleNoun"/> where they differ.</summary>
    public string SampleNoun => Runs.All(r => r.SampleNoun == Runs[0].SampleNoun) ? Runs[0].SampleNoun : Run.DefaultSampleNoun;

    /// <summary>What <see cref="Basis"/> is called: <c>step</c>.</summary>
    public string TimeNoun => Basis.Noun(SampleNoun);

    /// <summary>The machine; null when not recorded.</summary>
    public HostInfo? Host => Runs.Select(r => r.Host).FirstOrDefault(h => h is not null);

    /// <summary>Puts runs together, or refuses with what differs.</summary>
    /// <param name="runs">The runs.</param>
    /// <param name="warnings">What reading them gave cause to say.</param>
    /// <param name="seed">Decides what bootstraps draw.</param>
    /// <exception cref="AnalysisInputException">There are no runs, or they are not comparable.</exception>
    public static RunSet From(IReadOnlyList<Run> runs, IEnumerable<string>? warnings = null, int seed = 0)
    {
        RunComparison comparison = RunComparison.Check(runs);
        ConfigurationMeasurement[] measurements =
        [
            .. runs.GroupBy(r => r.Configuration)
                .OrderBy(g => g.Key.Precision, StringComparer.Ordinal)
                .ThenBy(g => g.Key.Threads)
                .ThenBy(g => g.Key.Processes)
                .Select((g, i) => ConfigurationMeasurement.From([.. g], unchecked((seed * 7919) + i))),
        ];
        return new RunSet
        {
            Runs = runs,
            Measurements = measurements,
            Basis = runs[0].Basis,
            IsWeakScaling = comparison.IsWeakScaling,
            Warnings =
            [
                .. warnings ?? [],
                .. comparison.Warnings,
                .. measurements.Length == 1
                    ? [$"Only one configuration was measured ({measurements[0].Configuration}): there is nothing to compare it with, so no speed-up, model or cause is given."]
                    : Array.Empty<string>(),
            ],
        };
    }
}
