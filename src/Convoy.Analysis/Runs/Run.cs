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

/// <summary>One recorded step of a run, for its curves.</summary>
/// <param name="Step">The step's number as recorded.</param>
/// <param name="Seconds">Its time; null when it is not known.</param>
/// <param name="Loss">The loss; null when it is not recorded. It may be NaN or infinite.</param>
/// <param name="IsWarmUp">Whether it was left out of the configuration's time.</param>
public sealed record RunStep(long Step, double? Seconds, double? Loss, bool IsWarmUp);

/// <summary>How one rank fared against the others of its run.</summary>
/// <param name="Rank">The rank.</param>
/// <param name="ComputeSeconds">The median of its forward and backward time in one step.</param>
/// <param name="SlowestShare">The share of steps in which it computed longest of all ranks.</param>
public sealed record RankTimes(int Rank, double ComputeSeconds, double SlowestShare);

/// <summary>Where the time of one step goes, in seconds; the mean over ranks where every rank's steps were recorded.</summary>
/// <param name="Data">Waiting for the loader.</param>
/// <param name="Forward">Forward pass and loss.</param>
/// <param name="Backward">Backward computation.</param>
/// <param name="Comm">Exchange of gradients that computation did not hide.</param>
/// <param name="Wait">Waiting for the slowest rank.</param>
/// <param name="Optimizer">Clipping and the update, spread over the steps of an update.</param>
/// <param name="Other">What none of these phases covers.</param>
public sealed record PhaseSeconds(double Data, double Forward, double Backward, double Comm, double Wait, double Optimizer, double Other)
{
    /// <summary>Forward and backward together.</summary>
    public double Compute => Forward + Backward;

    /// <summary>All phases together.</summary>
    public double Total => Data + Forward + Backward + Comm + Wait + Optimizer + Other;

    /// <summary>Every phase times <paramref name="factor"/>.</summary>
    public PhaseSeconds Scale(double factor) =>
        new(Data * factor, Forward * factor, Backward * factor, Comm * factor, Wait * factor, Optimizer * factor, Other * factor);

    /// <summary>The mean of each phase.</summary>
    /// <param name="phases">At least one.</param>
    public static PhaseSeconds Mean(IReadOnlyCollection<PhaseSeconds> phases) => new(
        phases.Average(p => p.Data),
        phases.Average(p => p.Forward),
        phases.Average(p => p.Backward),
        phases.Average(p => p.Comm),
        phases.Average(p => p.Wait),
        phases.Average(p => p.Optimizer),
        phases.Average(p => p.Other));
}
