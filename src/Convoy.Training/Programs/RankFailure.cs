using System.Globalization;
using Convoy.Distributed;
using Convoy.Distributed.Rendezvous;
using Convoy.Training.Workers;

namespace Convoy.Training.Programs;

/// <summary>
/// What went wrong on a rank of a launched job, told to standard error once for all ranks: the rank that fails first tells it, and those that only notice that it is gone
/// end silently with its exit code.
/// </summary>
/// <param name="arguments">The command line.</param>
/// <param name="ranks">Which rank this is.</param>
internal sealed class RankFailure(IReadOnlyList<string> arguments, RankEnvironment ranks)
{
    private const string ToldKey = "train/failed", CodeKey = "train/failed/code";

    // From the first rank's word that it tells the failure until its exit code is there.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // How long rank 0, whose store ends with it, stays for the others to ask.
    private static readonly TimeSpan LongestStay = TimeSpan.FromSeconds(2);

    /// <summary>The exit code, once a failure was told; null before.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>Tells a failure, unless another rank has.</summary>
    /// <param name="group">The ranks; this one is still among them.</param>
    /// <param name="error">What went wrong.</param>
    /// <returns>The exit code.</returns>
    public int Tell(ProcessGroup group, Exception error)
    {
        if (error is RankFailedException failed)
        {
            return (ExitCode = failed.ExitCode).Value; // That rank tells it itself.
        }

        int code = ErrorReport.Describe(error, arguments).ExitCode;
        bool isFirst = true;
        try
        {
            if (group.Store is { } store)
            {
                isFirst = store.Add(ToldKey, 1) == 1;
                code = isFirst ? code : int.Parse(store.GetText(CodeKey, Patience), CultureInfo.InvariantCulture);
                if (isFirst)
                {
                    store.Set(CodeKey, code.ToString(CultureInfo.InvariantCulture));
                }
            }
        }
        catch (DistributedException)
        {
            // Rank 0, which had the store, is gone: whoever has an error of its own speaks, and of those that lost others one, on which they cannot agree.
            isFirst = ranks.Rank <= 1 || error is not DistributedException;
        }

        if (isFirst)
        {
            Write(error);
        }

        Stay(group);
        return (ExitCode = code).Value;
    }

    /// <summary>Tells a failure where the ranks cannot agree on one to tell it, as they have not met: once on each host.</summary>
    /// <param name="error">What went wrong.</param>
    /// <returns>The exit code.</returns>
    public int TellAlone(Exception error)
    {
        if (ranks.Rank == 0 || ranks.LocalRank == 0)
        {
            Write(error);
        }

        return (ExitCode = ErrorReport.Describe(error, arguments).ExitCode).Value;
    }

    // All but the rank that is gone ask.
    private static void Stay(ProcessGroup group)
    {
        if (group.Rank != 0 || group.Store is not { } store)
        {
            return;
        }

        try
        {
            SpinWait.SpinUntil(() => store.Add(ToldKey, 0) >= group.Size - 1, LongestStay);
        }
        catch (DistributedException)
        {
            // The launcher had the store, and is gone.
            return;
        }
    }

    // Of rank 0's errors nobody asks on which rank they were: it is the one that reads what the user gives.
    private void Write(Exception error)
    {
        string text = FailureText.InOptions(ErrorReport.Describe(error, arguments).Message, hasTimeout: true);
        ConsoleProgram.WriteError(ranks.Rank == 0 || error is DistributedException ? text : string.Create(CultureInfo.InvariantCulture, $"rank {ranks.Rank} on {Environment.MachineName}: {text}"));
        ConsoleProgram.WriteTrace(error, arguments);
    }
}

/// <summary>Another rank failed in what all ranks do together, and tells it.</summary>
internal sealed class RankFailedException(string message, int exitCode) : Exception(message)
{
    /// <summary>Its exit code.</summary>
    public int ExitCode => exitCode;
}
