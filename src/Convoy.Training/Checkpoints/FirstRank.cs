using Convoy.Distributed;

namespace Convoy.Training.Checkpoints;

/// <summary>What rank 0 does for all: every rank learns how it ended, so that none goes on as if it had gone well, or waits for the others.</summary>
internal static class FirstRank
{
    /// <summary>Does something on rank 0. All ranks call it together.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="what">What it is, for the other ranks' error: <c>write the checkpoint of step 3</c>.</param>
    /// <param name="work">Does it, and gives a number for all ranks.</param>
    /// <returns>The number.</returns>
    /// <exception cref="BadInputException">Rank 0 threw one, which all ranks throw.</exception>
    /// <exception cref="IOException">On ranks other than 0: rank 0 threw something else, which is thrown there. The message has its text.</exception>
    public static long Run(ProcessGroup group, string what, Func<long> work)
    {
        if (group.Rank != 0)
        {
            Outcome outcome = group.BroadcastObject(new Outcome(0, null, IsBadInput: false), root: 0);
            return outcome.Error is null ? outcome.Result
                : outcome.IsBadInput ? throw new BadInputException(outcome.Error)
                : throw new IOException($"rank 0 could not {what}: {outcome.Error}");
        }

        long result;
        try
        {
            result = work();
        }
        catch (Exception error)
        {
            TellOthers(group, error);
            throw;
        }

        group.BroadcastObject(new Outcome(result, null, IsBadInput: false), root: 0);
        return result;
    }

    // Whether or not they hear of it, the error that counts is this one: that of a group which is broken comes out of its next operation.
    private static void TellOthers(ProcessGroup group, Exception error)
    {
        try
        {
            group.BroadcastObject(new Outcome(0, error.Message, error is BadInputException), root: 0);
        }
        catch (DistributedException)
        {
            // The others are gone, and have an error of their own.
        }
    }

    private sealed record Outcome(long Result, string? Error, bool IsBadInput);
}
