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
    /// fails. When <paramref name="body"/> throws, this rank no longer takes part, and its exception is passed on.
    /// </remarks>
    /// <param name="joinables">What communicates in each step, in the same order on all ranks; all over one process group.</param>
    /// <param name="body">Goes through this rank's inputs: as many steps as it has, also none.</param>
    /// <param name="options">What differs from the defaults; the same on all ranks.</param>
    /// <exception cref="ArgumentException">There are no joinables, or they use several groups.</exception>
    /// <exception cref="InvalidOperationException">A joinable cannot go on without inputs, or ranks ran out of inputs although the options forbid it.</exception>
    /// <exception cref="DistributedException">A rank failed.</exception>
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

/// <summary>The options of <see cref="Join"/>, named as in PyTorch's <c>join</c>. All ranks give the same.</summary>
public sealed record JoinOptions
{
    /// <summary>
    /// Whether the sum of gradients is divided by the number of all ranks, also when some have no more inputs, so that every input keeps its weight
    /// in equal parts of the batch; otherwise by the number of ranks that still have some. Default: true.
    /// </summary>
    public bool DivideByInitialWorldSize { get; init; } = true;

    /// <summary>Whether all ranks throw as soon as one of them has no more inputs while others have. Default: false.</summary>
    public bool ThrowOnEarlyTermination { get; init; }

    /// <summary>
    /// What a rank without inputs does after each backward pass that it takes part in, when its gradients are the mean over the ranks: usually the optimizer's
    /// step, so that its weights and its optimizer's state stay equal to the other ranks'. Not for an optimizer that is given to
    /// <see cref="Join"/> itself. Default: null: as in PyTorch, the weights come from the last rank at the end, and the optimizer's state
    /// on this rank remains what it was.
    /// </summary>
    public Action? AfterShadowedBackward { get; init; }
}

/// <summary>
/// Something that communicates in each step and can go on doing so on a rank that has no more inputs (PyTorch's <c>Joinable</c>):
/// a data-parallel model, an optimizer that shares out its work.
/// </summary>
public interface IJoinable
{
    /// <summary>The ranks among which some may run out of inputs.</summary>
    ProcessGroup JoinGroup { get; }

    /// <summary>From now on ranks may run out of inputs: registers what the others then have to do, in the same order on all ranks, and announces it each time.</summary>
    /// <param name="context">Where to.</param>
    /// <exception cref="InvalidOperationException">It cannot go on without inputs.</exception>
    void EnterJoin(JoinContext context);

    /// <summary>Announces no more; called after a failure, too.</summary>
    void LeaveJoin();

    /// <summary>No rank has inputs any more: gives all ranks the values of rank <paramref name="root"/>, one of those that had the most. Called on all ranks when some had fewer.</summary>
    void TakeOver(int root);
}
