using Convoy.Metrics;

namespace Convoy.Analysis.Runs;

/// <summary>What one process used in one step: means over its steps, the warm-up left out. What was not recorded is null.</summary>
/// <param name="CpuSeconds">Processor time of all its threads.</param>
/// <param name="PeakMemoryBytes">The largest resident set that it ever had, the warm-up included; of several ranks the largest.</param>
/// <param name="VoluntarySwitches">How often its threads left a core because they waited.</param>
/// <param name="InvoluntarySwitches">How often its threads left a core because the system gave it to others.</param>
/// <param name="QueueSeconds">How long the thread that trains was ready to run while others had its core.</param>
/// <param name="CacheMisses">Accesses to memory that the caches did not serve.</param>
/// <param name="Instructions">Instructions.</param>
public sealed record StepUsage(double? CpuSeconds, long? PeakMemoryBytes, double? VoluntarySwitches, double? InvoluntarySwitches, double? QueueSeconds, double? CacheMisses, double? Instructions)
{
    /// <summary>Nothing was recorded.</summary>
    internal static StepUsage None { get; } = new(null, null, null, null, null, null, null);

    /// <summary>One rank's usage.</summary>
    /// <param name="steps">Its steps.</param>
    /// <param name="skipped">Steps of the warm-up.</param>
    internal static StepUsage Of(IReadOnlyList<StepMetrics> steps, int skipped)
    {
        StepMetrics[] counted = [.. steps.Skip(skipped)];
        return new StepUsage(
            counted.Average(s => s.CpuTime),
            steps.Max(s => s.PeakMemoryBytes),
            counted.Average(s => (double?)s.ContextSwitches?.Voluntary),
            counted.Average(s => (double?)s.ContextSwitches?.Involuntary),
            counted.Average(s => s.RunQueueTime),
            counted.Average(s => (double?)s.Counters?.CacheMisses),
            counted.Average(s => (double?)s.Counters?.Instructions));
    }

    /// <summary>The means of several, and the largest memory.</summary>
    internal static StepUsage Mean(IReadOnlyCollection<StepUsage> usages) => new(
        usages.Average(u => u.CpuSeconds),
        usages.Max(u => u.PeakMemoryBytes),
        usages.Average(u => u.VoluntarySwitches),
        usages.Average(u => u.InvoluntarySwitches),
        usages.Average(u => u.QueueSeconds),
        usages.Average(u => u.CacheMisses),
        usages.Average(u => u.Instructions));
}
