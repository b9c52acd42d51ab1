namespace Convoy.Distributed.UnevenInputs;

/// <summary>Who still has inputs when the ranks do something together; the same on all ranks.</summary>
/// <param name="ActiveRanks">The ranks that have, in ascending order; at least one.</param>
public sealed record JoinRound(IReadOnlyList<int> ActiveRanks)
{
    /// <summary>The first of them. It speaks for all where one rank's values go to the others.</summary>
    public int Root => ActiveRanks[0];
}
