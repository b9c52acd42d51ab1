using Convoy.Analysis.Runs;
using Convoy.Analysis.Statistics;
using Convoy.Metrics;

namespace Convoy.Analysis.Reading;

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
                (double)slowest.Count(s => s == i) / common.Length)),
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
