namespace Convoy.Analysis.Runs;

/// <summary>How one rank fared against the others of its run.</summary>
/// <param name="Rank">The rank.</param>
/// <param name="ComputeSeconds">The median of its forward and backward time in one step.</param>
/// <param name="SlowestShare">The share of steps in which it computed longest of all ranks.</param>
public sealed record RankTimes(int Rank, double ComputeSeconds, double SlowestShare);
