using Convoy.Cli.Benchmarks.Profiling;
using Convoy.Metrics;

namespace Convoy.Cli.Benchmarks.Steps;

/// <summary>What one run of a configuration measured.</summary>
/// <param name="Steps">Rank 0's steps without the warm-up.</param>
/// <param name="PeakFlopsPerSecond">The matrix products of all ranks at the same time.</param>
/// <param name="MemoryPeakBytes">The highest resident set of a rank over its whole life, the largest of the ranks'.</param>
/// <param name="Profile">Rank 0's layers, longest first; null when they were not recorded.</param>
/// <param name="Operators">Rank 0's operators, longest first; null when they were not recorded.</param>
internal sealed record StepRun(
    IReadOnlyList<StepMetrics> Steps, double PeakFlopsPerSecond, long MemoryPeakBytes, IReadOnlyList<ProfileRow>? Profile, IReadOnlyList<OperatorTime>? Operators);
