namespace Convoy.Distributed.Optim;

/// <summary>The options of <see cref="ZeroRedundancyOptimizer"/>. All ranks give the same.</summary>
public sealed record ZeroRedundancyOptions
{
    /// <summary>
    /// Whether the parameters become the same memory on all ranks where the group offers that: an update is then seen by all ranks without copying, and
    /// the model's parameters exist once instead of once for each rank. Otherwise each rank keeps its own, and every owner's part is broadcast.
    /// Default: true.
    /// </summary>
    public bool ShareParameters { get; init; } = true;
}
