using System.Runtime.ExceptionServices;
using Convoy.Distributed;

namespace Convoy.Training.Programs;

/// <summary>Work that each rank of a launched job does for itself, and that all have to have done before any goes on.</summary>
internal static class JointWork
{
    /// <summary>Does this rank's part, and waits for the others. All ranks call it together.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="work">This rank's part.</param>
    /// <exception cref="RankFailedException">Another rank failed. On the one that failed its own error comes out.</exception>
    /// <exception cref="OperationCanceledException">A rank was asked for an early end.</exception>
    public static void Do(ProcessGroup group, Action work)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(work);
        Exception? own = null;
        try
        {
            work();
        }
        catch (Exception error)
        {
            own = error; // Thrown again when the others know.
        }

        IReadOnlyList<Outcome> outcomes = group.AllGatherObject(new Outcome(own is null or OperationCanceledException ? null : own.Message, own is BadInputException, own is OperationCanceledException));
        if (own is not null)
        {
            ExceptionDispatchInfo.Throw(own);
        }

        if (outcomes.FirstOrDefault(outcome => outcome.Error is not null) is { } failed)
        {
            throw new RankFailedException(failed.Error!, failed.IsBadInput ? ExitCodes.BadUsage : ExitCodes.Failed);
        }

        if (outcomes.Any(outcome => outcome.IsCanceled))
        {
            throw new OperationCanceledException();
        }
    }

    private sealed record Outcome(string? Error, bool IsBadInput, bool IsCanceled);
}
