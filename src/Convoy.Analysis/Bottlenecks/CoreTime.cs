using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>
/// Processor time beside wall time: whether a process that computes longer was on a core for longer. What it was not is
/// time in which others had its core, or in which it waited.
/// </summary>
/// <param name="CpuSeconds">Processor time of a usual rank's process in one step.</param>
/// <param name="ExpectedCpuSeconds">What that would be if its work took as much processor time as in the baseline: the share of its samples, and the optimizer, which every process repeats.</param>
/// <param name="QueueSeconds">How long its training thread was ready to run while others had its core; null when not recorded.</param>
/// <param name="Involuntary">Involuntary context switches of that process in a step; null when not recorded.</param>
/// <param name="BaselineInvoluntary">The same of the baseline, for as long a time.</param>
/// <param name="StepSeconds">The time of a step.</param>
/// <param name="Threads">Threads of a process; 1 where not recorded.</param>
internal sealed record CoreTime(double CpuSeconds, double ExpectedCpuSeconds, double? QueueSeconds, double? Involuntary, double? BaselineInvoluntary, double StepSeconds, int Threads)
{
    // Below these there are too few switches to have taken the time; or neither more of them than before, nor as many as a machine that is busy with other programs has.
    private const double LongestTurnSeconds = 0.1, Rise = 1.5, BusyPerSecond = 20;

    /// <summary>The processor time of a case; null where it was not recorded, or processes differ in their threads, so that it cannot be compared.</summary>
    public static CoreTime? Find(ScalingCase scaling)
    {
        StepUsage now = scaling.Measured.TypicalUsage, before = scaling.Baseline.TypicalUsage;
        if (now.CpuSeconds is not { } cpu || before.CpuSeconds is not { } first || scaling.Measured.Configuration.Threads != scaling.Baseline.Configuration.Threads)
        {
            return null;
        }

        double repeated = Math.Min(Math.Min(scaling.Baseline.Phases?.Optimizer ?? 0, scaling.Measured.Phases?.Optimizer ?? 0), first);
        return new CoreTime(
            cpu,
            scaling.Ideal(first - repeated) + repeated,
            now.QueueSeconds,
            now.InvoluntarySwitches,
            before.InvoluntarySwitches * scaling.Measured.Seconds / scaling.Baseline.Seconds,
            scaling.Measured.Seconds,
            Math.Max(1, scaling.Measured.Configuration.Threads ?? 1));
    }

    /// <summary>Of <paramref name="growth"/> seconds by which computing grew, those in which the process was not on a core. Processor time that grew elsewhere counts as computing, so it is rather too little.</summary>
    public double NotOnACore(double growth) => Math.Clamp(growth - (Math.Max(0, CpuSeconds - ExpectedCpuSeconds) / Threads), 0, growth);

    /// <summary>Whether others took the cores for most of <paramref name="seconds"/>: the thread was ready to run for so long, or where that is not recorded, it lost its core often enough. Null when neither is.</summary>
    public bool? WasTaken(double seconds) =>
        QueueSeconds is { } queued ? queued >= seconds / 2
        : Involuntary is { } switches ? switches >= seconds / LongestTurnSeconds && (switches >= BaselineInvoluntary * Rise || switches >= BusyPerSecond * StepSeconds)
        : null;

    /// <summary>The numbers.</summary>
    public IEnumerable<Evidence> Evidence()
    {
        yield return new Evidence("processor time of one process", CpuSeconds, "s");
        yield return new Evidence("its share of the baseline's processor time", ExpectedCpuSeconds, "s");
        if (QueueSeconds is { } queued)
        {
            yield return new Evidence("ready to run, without a core", queued, "s");
        }

        if (Involuntary is { } switches)
        {
            yield return new Evidence("involuntary context switches of a process in a step", switches, "");
        }

        if (BaselineInvoluntary is { } before)
        {
            yield return new Evidence("the baseline's in as long a time", before, "");
        }
    }
}
