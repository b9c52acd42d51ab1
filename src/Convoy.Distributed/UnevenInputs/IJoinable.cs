namespace Convoy.Distributed.UnevenInputs;

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
