using Convoy.Analysis.Statistics;
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

    /// <summary>Whether it is known how much the configurations did in their times; without, there are times and no speed-ups.</summary>
    public bool HasComparableWork => Runs.All(r => !r.IsWholeProgram || r.Work is not null) || Measurements.Select(m => m.Configuration.Processes).Distinct().Count() == 1;

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

/// <summary>What all runs of one configuration measured together.</summary>
public sealed record ConfigurationMeasurement
{
    private ConfigurationMeasurement()
    {
    }

    /// <summary>What was varied.</summary>
    public required Configuration Configuration { get; init; }

    /// <summary>Its runs, at least one.</summary>
    public required IReadOnlyList<Run> Runs { get; init; }

    /// <summary>The median of the runs' medians, per step or run as <see cref="RunSet.Basis"/> says.</summary>
    public required double Seconds { get; init; }

    /// <summary>Bootstrap estimates of <see cref="Seconds"/>; empty when there is one value only.</summary>
    public required IReadOnlyList<double> Replicates { get; init; }

    /// <summary>The 95 % interval of <see cref="Seconds"/>; null when there is one value only.</summary>
    public required Interval? Interval { get; init; }

    /// <summary>The spread of single values around their median, as a share of it; null when there is one value only.</summary>
    public required double? RelativeSpread { get; init; }

    /// <summary>Samples of one step over all processes; null when not recorded.</summary>
    public required int? BatchSize { get; init; }

    /// <summary>Where a step's time goes; adds up to <see cref="Seconds"/>. Null when not recorded.</summary>
    public required PhaseSeconds? Phases { get; init; }

    /// <summary>The ranks of the run with most ranks recorded.</summary>
    public required IReadOnlyList<RankTimes> Ranks { get; init; }

    /// <summary>What a process used in a step: the mean over ranks and runs, of its memory the largest.</summary>
    public required StepUsage Usage { get; init; }

    /// <summary>How fast it computed beside what the machine can; null where the runs do not record their arithmetic, or times are not those of steps.</summary>
    public required AttainedSpeed? Attained { get; init; }

    /// <summary>The machine; null when not recorded.</summary>
    public HostInfo? Host => Runs.Select(r => r.Host).FirstOrDefault(h => h is not null);

    /// <summary>How much was done in <see cref="Seconds"/>: samples of a step, or the processes of a program that does the same work in each; null when nothing tells the configurations' work apart.</summary>
    public int? WorkUnits => Runs[0].Work == RunWork.PerProcess ? Configuration.Processes : BatchSize;

    /// <summary>Samples of one step in each process; null when not recorded.</summary>
    public double? LocalBatchSize => (double?)BatchSize / Configuration.Processes;

    /// <summary>Samples per second over all processes; null unless they were measured, or steps were timed and the batch size is known.</summary>
    public double? SamplesPerSecond => Runs[0].Basis switch
    {
        TimeBasis.Step => BatchSize / Seconds,
        TimeBasis.Sample => 1 / Seconds,
        _ => null,
    };

    /// <summary>
    /// Forward and backward time of a usual rank: the median over ranks, of two in the middle the faster, so that one slow
    /// rank does not count. Null when not recorded.
    /// </summary>
    public double? TypicalComputeSeconds => Phases is null ? null : TypicalRank?.ComputeSeconds ?? Phases.Compute;

    /// <summary>What the rank of <see cref="TypicalComputeSeconds"/> used in a step.</summary>
    public StepUsage TypicalUsage => TypicalRank?.Usage ?? Usage;

    /// <summary>The share of its time for which a process's training thread was ready to run while others had its core; null when not recorded.</summary>
    public double? QueueShare => Usage.QueueSeconds / Seconds;

    // Of two in the middle the faster; null where fewer than two ranks were recorded.
    private RankTimes? TypicalRank => Ranks.Count >= 2 ? Ranks.OrderBy(r => r.ComputeSeconds).ElementAt((Ranks.Count - 1) / 2) : null;

    /// <summary>
    /// How its runs are started again, with the settings that they share; null when not all of them recorded it, or they are
    /// of different programs.
    /// </summary>
    public LaunchRecord? Launch
    {
        get
        {
            LaunchRecord?[] all = [.. Runs.Select(r => r.Launch)];
            return all[0] is { } first && Array.TrueForAll(all, one => one is not null && one.Command.SequenceEqual(first.Command) && one.Program.SequenceEqual(first.Program))
                ? first with { Settings = [.. first.Settings.Where(s => Array.TrueForAll(all, one => one!.Setting(s.Name) is { } same && same.Arguments.SequenceEqual(s.Arguments)))] }
                : null;
        }
    }

    /// <summary>What a sample is called.</summary>
    public string SampleNoun => Runs[0].SampleNoun;

    /// <summary>A setting that all runs share; null when it is not recorded or differs.</summary>
    public string? Setting(string name)
    {
        string?[] values = [.. Runs.Select(r => r.Settings.GetValueOrDefault(name)).Distinct()];
        return values.Length == 1 ? values[0] : null;
    }

    /// <summary>Gathers the runs of one configuration.</summary>
    /// <param name="runs">At least one; the same configuration, basis and batch size.</param>
    /// <param name="seed">Decides what the bootstrap draws.</param>
    internal static ConfigurationMeasurement From(IReadOnlyList<Run> runs, int seed)
    {
        IReadOnlyList<double>[] groups = [.. runs.Select(r => r.Samples)];
        double seconds = Bootstrap.Estimate(groups);
        PhaseSeconds[] phases = [.. runs.Select(r => r.Phases).OfType<PhaseSeconds>()];
        PhaseSeconds? mean = phases.Length > 0 ? PhaseSeconds.Mean(phases) : null;
        double[] values = [.. groups.SelectMany(g => g)];
        IReadOnlyList<double> replicates = Bootstrap.Replicates(groups, seed);
        return new ConfigurationMeasurement
        {
            Configuration = runs[0].Configuration,
            Runs = runs,
            Seconds = seconds,
            Replicates = replicates,
            Interval = Bootstrap.PercentileInterval(replicates),
            RelativeSpread = values.Length >= 2 ? OrderStatistics.RelativeSpread(values) : null,
            BatchSize = runs[0].BatchSize,
            // The phases are means and the time is a median: scaled, they add up.
            Phases = mean?.Scale(seconds / mean.Total),
            Ranks = runs.Select(r => r.Ranks).MaxBy(r => r.Count)!,
            Usage = StepUsage.Mean([.. runs.Select(r => r.Usage)]),
            Attained = AttainedSpeed.Of(runs, runs[0].BatchSize / seconds),
        };
    }
}
