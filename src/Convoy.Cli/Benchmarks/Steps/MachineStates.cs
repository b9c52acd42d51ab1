using System.Text.Json.Serialization;
using Convoy.Analysis.Statistics;
using Convoy.Torch.Convolution;
using Convoy.Training.Measurement;

namespace Convoy.Cli.Benchmarks.Steps;

/// <summary>
/// How fast the machine was around each run of a configuration. Cores that are rented out change between a fast and a slow state that differ two to three times, so times of different states
/// must not be compared.
/// </summary>
/// <param name="Runs">The probes around each run, in order.</param>
/// <param name="IsOneState">Whether all of them are of one state.</param>
/// <param name="Fast">Runs that began and ended in the fastest state that was seen.</param>
/// <param name="Other">The other runs; null when there are none.</param>
internal sealed record MachineStates(
    IReadOnlyList<RunState> Runs, bool IsOneState,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] StateTime? Fast,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] StateTime? Other)
{
    /// <summary>Sorts runs by their states.</summary>
    /// <param name="runs">The runs, at least one.</param>
    /// <param name="seconds">Each run's time of a step.</param>
    public static MachineStates From(IReadOnlyList<StepRun> runs, IReadOnlyList<double> seconds)
    {
        double fastest = runs.Max(run => Math.Max(run.ProbeBefore, run.ProbeAfter));
        ILookup<bool, double> byState = runs.Zip(seconds).ToLookup(
            run => MachineProbe.IsSameState(run.First.ProbeBefore, fastest) && MachineProbe.IsSameState(run.First.ProbeAfter, fastest), run => run.Second);
        return new MachineStates([.. runs.Select(run => new RunState(run.ProbeBefore / 1e9, run.ProbeAfter / 1e9))], !byState.Contains(false), StateTime.Of([.. byState[true]]), StateTime.Of([.. byState[false]]));
    }

    /// <summary>What a reader of the medians has to know, in words; null where all runs were of one state.</summary>
    public string? Warning()
    {
        if (IsOneState)
        {
            return null;
        }

        double[] probes = [.. Runs.SelectMany(run => (double[])[run.BeforeGflopPerSecond, run.AfterGflopPerSecond])];
        string fast = Fast is null ? "no run began and ended in the fast state" : $"{Fast} in the fast state";
        return FormattableString.Invariant($"the machine was not in one state (a small matrix product ran at {probes.Min():0} to {probes.Max():0} GFLOP/s around the runs): {fast}, {Other} otherwise. Compare times of one state only.");
    }
}

/// <summary>The machine's speed around a run, by a small matrix product.</summary>
/// <param name="BeforeGflopPerSecond">Right before the measured steps.</param>
/// <param name="AfterGflopPerSecond">Right after them.</param>
internal sealed record RunState(double BeforeGflopPerSecond, double AfterGflopPerSecond);

/// <summary>What a step took in some runs.</summary>
/// <param name="Runs">How many.</param>
/// <param name="MedianSeconds">The median of their times of a step.</param>
internal sealed record StateTime(int Runs, double MedianSeconds)
{
    /// <summary>The median of runs; null where there are none.</summary>
    public static StateTime? Of(double[] seconds) => seconds.Length == 0 ? null : new StateTime(seconds.Length, OrderStatistics.Median(seconds));

    /// <summary>In words.</summary>
    public override string ToString() => FormattableString.Invariant($"{MedianSeconds * 1e3:0.0} ms ({Runs} {(Runs == 1 ? "run" : "runs")})");
}
