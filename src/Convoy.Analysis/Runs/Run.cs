using Convoy.Analysis.Statistics;
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

    /// <summary>Whether the time is that of a whole program, from its start to its end, because it recorded no steps.</summary>
    public bool IsWholeProgram { get; init; }

    /// <summary>Of a <see cref="IsWholeProgram">whole program</see>: how its work depends on its processes; null when nobody said.</summary>
    public RunWork? Work { get; init; }

    /// <summary>Where a step's time goes; null when not recorded.</summary>
    public PhaseSeconds? Phases { get; init; }

    /// <summary>What a process used in a step, the mean over ranks.</summary>
    public StepUsage Usage { get; init; } = StepUsage.None;

    /// <summary>Floating-point operations that a step takes for one sample, as <see cref="RunMetrics.FlopsPerSample"/> has them; null when not recorded.</summary>
    public double? FlopsPerSample { get; init; }

    /// <summary>Passes of convolutions by the kernels that compute them, as <see cref="RunMetrics.Kernels"/> has them; null when not recorded.</summary>
    public IReadOnlyDictionary<string, int>? Kernels { get; init; }

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

    /// <summary>The run that ranks' steps make: rank 0's step times, all ranks' phases.</summary>
    /// <param name="configuration">What was varied.</param>
    /// <param name="ranks">Each rank's steps, rank 0's first; every step has its time.</param>
    /// <param name="stepsPerUpdate">Steps of one update.</param>
    /// <param name="warmUpSteps">Steps to leave out at the start; null to choose by <see cref="WarmUp"/>.</param>
    internal static Run FromSteps(Configuration configuration, IReadOnlyList<IReadOnlyList<StepMetrics>> ranks, int stepsPerUpdate, int? warmUpSteps = null)
    {
        IReadOnlyList<double> samples = StepTimes.Updates(ranks[0], stepsPerUpdate, warmUpSteps, out int skipped);
        return new Run
        {
            Configuration = configuration,
            Source = "",
            Basis = TimeBasis.Step,
            Samples = samples,
            BatchSize = ranks[0][0].BatchSize,
            Phases = StepTimes.Phases(ranks, skipped),
            Ranks = StepTimes.Ranks(ranks, skipped),
            Usage = StepUsage.Mean([.. ranks.Select(steps => StepUsage.Of(steps, skipped))]),
            WarmUpSteps = skipped,
            Steps = [.. ranks[0].Select((s, i) => new RunStep(s.Step, s.StepTime, s.Loss, i < skipped))],
        };
    }
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
/// <param name="Usage">What it used in one step.</param>
public sealed record RankTimes(int Rank, double ComputeSeconds, double SlowestShare, StepUsage Usage);

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

/// <summary>Turns the recorded steps of a run's ranks into the times that count.</summary>
internal static class StepTimes
{
    /// <summary>The mean step time of each whole update after the warm-up.</summary>
    /// <param name="steps">One rank's steps, every one with its time.</param>
    /// <param name="stepsPerUpdate">Steps of one update.</param>
    /// <param name="warmUpSteps">Steps to leave out; null to choose by <see cref="WarmUp"/>.</param>
    /// <param name="skipped">Steps left out.</param>
    public static IReadOnlyList<double> Updates(IReadOnlyList<StepMetrics> steps, int stepsPerUpdate, int? warmUpSteps, out int skipped)
    {
        skipped = warmUpSteps ?? WarmUp.StepsToLeaveOut(steps.Count, stepsPerUpdate);
        double[] kept = [.. steps.Skip(skipped).Select(s => s.StepTime!.Value)];
        double[][] updates = [.. kept.Chunk(stepsPerUpdate).Where(c => c.Length == stepsPerUpdate)];
        return updates.Length > 0 ? [.. updates.Select(u => u.Average())] : [kept.Average()];
    }

    /// <summary>The mean of each phase over steps and ranks after the warm-up; null when computation was not timed.</summary>
    public static PhaseSeconds? Phases(IReadOnlyList<IReadOnlyList<StepMetrics>> ranks, int skipped)
    {
        StepMetrics[] steps = [.. ranks.SelectMany(r => r.Skip(skipped)).Where(s => s is { StepTime: not null, ForwardTime: not null, BackwardTime: not null })];
        return steps.Length == 0 ? null : PhaseSeconds.Mean([.. steps.Select(PhasesOf)]);
    }

    /// <summary>How the ranks compare, over the steps that all of them recorded; empty unless there are two with computation times.</summary>
    public static IReadOnlyList<RankTimes> Ranks(IReadOnlyList<IReadOnlyList<StepMetrics>> ranks, int skipped)
    {
        Dictionary<long, double>[] compute =
        [
            .. ranks.Select(steps => steps.Skip(skipped)
                .Where(s => s is { ForwardTime: not null, BackwardTime: not null })
                .DistinctBy(s => s.Step)
                .ToDictionary(s => s.Step, s => s.ForwardTime!.Value + s.BackwardTime!.Value)),
        ];
        if (ranks.Count < 2 || compute.Any(c => c.Count == 0))
        {
            return [];
        }

        long[] common = [.. compute[0].Keys.Where(step => compute.All(c => c.ContainsKey(step)))];
        if (common.Length == 0)
        {
            return [];
        }

        int[] slowest = [.. common.Select(step => Array.IndexOf(compute, compute.MaxBy(c => c[step])))];
        return
        [
            .. compute.Select((c, i) => new RankTimes(
                ranks[i][0].Rank,
                OrderStatistics.Median(common.Select(step => c[step])),
                (double)slowest.Count(s => s == i) / common.Length,
                StepUsage.Of(ranks[i], skipped))),
        ];
    }

    private static PhaseSeconds PhasesOf(StepMetrics step)
    {
        double data = step.DataTime ?? 0, comm = step.CommTime ?? 0, wait = step.WaitTime ?? 0, optimizer = step.OptimizerTime ?? 0;
        double known = data + step.ForwardTime!.Value + step.BackwardTime!.Value + comm + wait + optimizer;
        return new PhaseSeconds(data, step.ForwardTime.Value, step.BackwardTime.Value, comm, wait, optimizer, Math.Max(0, step.StepTime!.Value - known));
    }
}

/// <summary>
/// The rule by which a run's first steps are left out: memory is being allocated, caches are cold and code is being
/// compiled. A tenth of the steps, at least 2 and at most 20, never more than half, rounded up to whole updates.
/// </summary>
public static class WarmUp
{
    private const int Least = 2;
    private const int Most = 20;
    private const double Share = 0.1;

    /// <summary>How many of <paramref name="steps"/> steps to leave out.</summary>
    /// <param name="steps">Steps of the run.</param>
    /// <param name="stepsPerUpdate">Steps of one optimizer update; what is left out is a multiple of it.</param>
    public static int StepsToLeaveOut(int steps, int stepsPerUpdate = 1)
    {
        int wanted = Math.Clamp((int)Math.Ceiling(steps * Share), Least, Most);
        int whole = (wanted + stepsPerUpdate - 1) / stepsPerUpdate * stepsPerUpdate;
        int half = steps / 2 / stepsPerUpdate * stepsPerUpdate;
        return Math.Min(whole, half);
    }
}
