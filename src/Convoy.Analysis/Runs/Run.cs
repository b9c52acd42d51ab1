using Convoy.Metrics;

namespace Convoy.Analysis.Runs;

/// <summary>One training run, as far as the analysis needs it: the warm-up is already left out.</summary>
public sealed record Run
{
    /// <summary>What a sample is called where the run does not say.</summary>
    public const string DefaultSampleNoun = "sample";

    /// <summary>What was varied.</summary>
    public required Configuration Configuration { get; init; }

    /// <summary>The file or folder it was read from, with the line where there is one.</summary>
    public required string Source { get; init; }

    /// <summary>What <see cref="Samples"/> are the seconds of.</summary>
    public required TimeBasis Basis { get; init; }

    /// <summary>
    /// Seconds, at least one value, each above 0. Of steps: the mean step time of each optimizer update, because steps
    /// with and without an update take different times.
    /// </summary>
    public required IReadOnlyList<double> Samples { get; init; }

    /// <summary>Samples of one step over all processes; null when not recorded.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Where a step's time goes; null when not recorded.</summary>
    public PhaseSeconds? Phases { get; init; }

    /// <summary>Each rank's computation, in order; fewer than two when only one rank's steps are known.</summary>
    public IReadOnlyList<RankTimes> Ranks { get; init; } = [];

    /// <summary>The machine; null when not recorded.</summary>
    public HostInfo? Host { get; init; }

    /// <summary>The run's settings by name, as text; empty when not recorded.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>How the run is started again; null when not recorded.</summary>
    public LaunchRecord? Launch { get; init; }

    /// <summary>What a sample is called; its plural ends in s.</summary>
    public string SampleNoun { get; init; } = DefaultSampleNoun;

    /// <summary>Steps that were left out at the start.</summary>
    public int WarmUpSteps { get; init; }

    /// <summary>Every recorded step of the first rank, the warm-up included; empty when only a total time is known.</summary>
    public IReadOnlyList<RunStep> Steps { get; init; } = [];
}
