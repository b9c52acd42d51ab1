namespace Convoy.Distributed.UnevenInputs;

/// <summary>Training with different numbers of inputs on the ranks (PyTorch's <c>torch.distributed.algorithms.Join</c>).</summary>
public static class Join
{
    /// <summary>
    /// Runs this rank's steps, then takes part without inputs in those of the other ranks until none of them has any. All ranks call
    /// it together.
    /// </summary>
    /// <remarks>
    /// Each step may use the group through the joinables only: what else communicates finds ranks without inputs at another operation, which
    /// fails. When <paramref name="body"/> throws, this rank takes part no longer, and its exception goes on.
    /// </remarks>
    /// <param name="joinables">What communicates in each step, in the same order on all ranks; all over one process group.</param>
    /// <param name="body">Goes through this rank's inputs: as many steps as it has, also none.</param>
    /// <param name="options">What differs from the defaults; the same on all ranks.</param>
    /// <exception cref="ArgumentException">There are no joinables, or they use several groups.</exception>
    /// <exception cref="InvalidOperationException">A joinable cannot go on without inputs, or ranks ran out of inputs although the options forbid it.</exception>
    /// <exception cref="Errors.DistributedException">A rank failed.</exception>
    public static void Run(IReadOnlyList<IJoinable> joinables, Action body, JoinOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(joinables);
        ArgumentNullException.ThrowIfNull(body);
        if (joinables.Count == 0 || joinables.Any(joinable => joinable.JoinGroup != joinables[0].JoinGroup))
        {
            throw new ArgumentException($"{joinables.Count} joinables were given, of which all must use one process group. Give at least one, and make them over the same group.", nameof(joinables));
        }

        using var context = new JoinContext(joinables[0].JoinGroup, options ?? new JoinOptions());
        try
        {
            foreach (IJoinable joinable in joinables)
            {
                joinable.EnterJoin(context);
            }

            body();
            while (context.Shadow())
            {
                // Until no rank has inputs.
            }
        }
        finally
        {
            foreach (IJoinable joinable in joinables)
            {
                joinable.LeaveJoin();
            }
        }

        // Ranks that had inputs to the end are equal already.
        if (context.LastRound is { } last && last.ActiveRanks.Count < joinables[0].JoinGroup.Size)
        {
            foreach (IJoinable joinable in joinables)
            {
                joinable.TakeOver(last.Root);
            }
        }
    }
}
