using System.Globalization;
using Convoy.Metrics;

namespace Convoy.Analysis.Reading;

/// <summary>What every recorded step has to keep to. A wrong time would make a wrong table; a wrong loss is the training's business and a warning.</summary>
internal static class StepChecks
{
    // Clocks are read one after another, so phases may add up to a little more than the step.
    private const double PhaseTolerance = 0.02;

    /// <summary>The largest number of a step that is believed.</summary>
    public const long MostSteps = 1_000_000_000_000_000;

    /// <exception cref="AnalysisInputException">A time, a step's number or a batch size is outside its range.</exception>
    public static void RequireTimes(IReadOnlyList<StepMetrics> steps, Func<int, string> place)
    {
        for (int i = 0; i < steps.Count; i++)
        {
            StepMetrics step = steps[i];
            Require(step.ElapsedTime, "elapsed_time", place(i), isStep: false);
            Require(step.StepTime, "step_time", place(i), isStep: true);
            Require(step.CpuTime, "cpu_time", place(i), isStep: false);
            Require(step.RunQueueTime, "run_queue_time", place(i), isStep: false);
            foreach ((string name, double? phase) in Phases(step))
            {
                Require(phase, name, place(i), isStep: false);
            }

            RequireCounts(step, place(i));
            if (step.Step is < 0 or > MostSteps)
            {
                throw new AnalysisInputException("step must be from 0 to 1e15", string.Create(CultureInfo.InvariantCulture, $"got {step.Step}, {place(i)}"), "Leave the run out, or measure it again.");
            }

            if (step.BatchSize < 1)
            {
                throw new AnalysisInputException("batch_size must be at least 1", string.Create(CultureInfo.InvariantCulture, $"got {step.BatchSize}, {place(i)}"), "Leave the run out, or measure it again.");
            }
        }
    }

    /// <exception cref="AnalysisInputException">A count of what a step used is below 0.</exception>
    private static void RequireCounts(StepMetrics step, string place)
    {
        (string Name, long? Count)[] counts =
        [
            ("peak_memory_bytes", step.PeakMemoryBytes), ("voluntary", step.ContextSwitches?.Voluntary), ("involuntary", step.ContextSwitches?.Involuntary),
            ("cache_misses", step.Counters?.CacheMisses), ("instructions", step.Counters?.Instructions),
        ];
        if (counts.FirstOrDefault(c => c.Count < 0) is { Name: { } name } wrong)
        {
            throw new AnalysisInputException($"{name} must be at least 0", string.Create(CultureInfo.InvariantCulture, $"got {wrong.Count}, {place}"), "Leave the run out, or measure it again.");
        }
    }

    /// <summary>Refuses a time that nobody can have measured: negative, not a number, 0 for a whole step, or beyond <see cref="PlausibleSeconds"/>.</summary>
    public static void Require(double? seconds, string name, string place, bool isStep)
    {
        if (seconds is { } value && !(isStep ? PlausibleSeconds.Contains(value) : value is >= 0 and <= PlausibleSeconds.Most))
        {
            throw new AnalysisInputException(
                $"{name} must be {(isStep ? PlausibleSeconds.Range : PlausibleSeconds.RangeFromZero)}",
                string.Create(CultureInfo.InvariantCulture, $"got {value}, {place}"),
                "Leave the run out, or measure it again with a clock that does not go back.");
        }
    }

    /// <summary>A warning when a loss is not a number; the times stay good.</summary>
    public static IEnumerable<string> Losses(IEnumerable<(long Step, double? Loss)> steps, string source)
    {
        long[] bad = [.. steps.Where(s => s.Loss is { } loss && !double.IsFinite(loss)).Select(s => s.Step)];
        if (bad.Length > 0)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"The loss is not a number in {bad.Length} {(bad.Length == 1 ? "step" : "steps")}, first in step {bad[0]} ({source}): its times count, but the training failed.");
        }
    }

    /// <summary>A warning when phases add up to more than their step.</summary>
    public static IEnumerable<string> Sums(IReadOnlyList<StepMetrics> steps, string source)
    {
        int over = steps.Count(s => s.StepTime is { } whole && Phases(s).Sum(p => p.Seconds ?? 0) > whole * (1 + PhaseTolerance));
        if (over > 0)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"In {over} of {steps.Count} steps the phases add up to over 2 % more than the step ({source}): the breakdown is doubtful.");
        }
    }

    private static IEnumerable<(string Name, double? Seconds)> Phases(StepMetrics step) =>
    [
        ("data_time", step.DataTime), ("forward_time", step.ForwardTime), ("backward_time", step.BackwardTime),
        ("comm_time", step.CommTime), ("wait_time", step.WaitTime), ("optimizer_time", step.OptimizerTime),
    ];
}

/// <summary>
/// Which times can have been measured. What lies beyond is damage or a mistaken unit, and in a fit the differences between
/// such times and others are beyond a double's digits.
/// </summary>
internal static class PlausibleSeconds
{
    /// <summary>A nanosecond.</summary>
    public const double Least = 1e-9;

    /// <summary>Some thirty years, times what a sum over processes may make of it.</summary>
    public const double Most = 1e10;

    /// <summary>The range in words.</summary>
    public const string Range = "from 1e-9 to 1e10 seconds";

    /// <summary>The range of what may also take no time.</summary>
    public const string RangeFromZero = "from 0 to 1e10 seconds";

    /// <summary>Whether a measured time can be <paramref name="seconds"/>.</summary>
    public static bool Contains(double seconds) => seconds is >= Least and <= Most;
}
