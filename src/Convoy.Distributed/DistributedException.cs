using System.Globalization;

namespace Convoy.Distributed;

/// <summary>Something between the processes of a job went wrong. The message is one line that says what, and what to do.</summary>
public class DistributedException : Exception
{
    /// <param name="message">What went wrong, with the ranks or keys concerned, and what to do.</param>
    /// <param name="inner">The error that this one explains, if any.</param>
    public DistributedException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>Some ranks did not take part in an operation in time.</summary>
public sealed class CollectiveTimeoutException : DistributedException
{
    /// <param name="operation">What this rank was doing.</param>
    /// <param name="missingRanks">The ranks that did not come.</param>
    /// <param name="timeout">How long was waited.</param>
    /// <param name="diagnosis">What is known about why, and what to do; null: nothing.</param>
    public CollectiveTimeoutException(string operation, IReadOnlyList<int> missingRanks, TimeSpan timeout, string? diagnosis = null)
        : base(FormattableString.Invariant(
            $"{operation}: {RankList.Describe(missingRanks)} did not arrive within {timeout.TotalSeconds:0.###} s. {diagnosis ?? "Check what they are doing instead (every rank must call the same operations), or give the process group a longer timeout"}."))
    {
        MissingRanks = missingRanks;
        Timeout = timeout;
    }

    private CollectiveTimeoutException(IReadOnlyList<int> missingRanks, TimeSpan timeout, string message)
        : base(message)
    {
        MissingRanks = missingRanks;
        Timeout = timeout;
    }

    /// <summary>The ranks that did not come.</summary>
    public IReadOnlyList<int> MissingRanks { get; }

    /// <summary>How long was waited.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>One whose message is given whole. Not a constructor: text in the place of an operation would be said twice.</summary>
    internal static CollectiveTimeoutException WithMessage(FormattableString message, IReadOnlyList<int> missingRanks, TimeSpan timeout) =>
        new(missingRanks, timeout, FormattableString.Invariant(message));
}

/// <summary>Ranks called different operations, or the same one with tensors of different size or type.</summary>
public sealed class CollectiveMismatchException : DistributedException
{
    /// <param name="message">Which rank called what.</param>
    public CollectiveMismatchException(string message)
        : base(message)
    {
    }

    /// <summary>Two ranks called different things.</summary>
    internal static CollectiveMismatchException Between(int rank, string call, int other, string otherCall) => new(FormattableString.Invariant(
        $"rank {rank} called {call} while rank {other} called {otherCall}. Every rank must call the same operations in the same order, with tensors of the same size and type."));

    /// <summary>Two ranks gave different members of a new group.</summary>
    internal static CollectiveMismatchException OfNewGroup(int rank, string members, int other, string otherMembers) => new(FormattableString.Invariant(
        $"rank {rank} called NewGroup with the ranks {members} while rank {other} called it with {otherMembers}. Give the same ranks in the same order on every rank."));

    /// <summary>A rank gives another more or fewer elements than that one expects.</summary>
    internal static CollectiveMismatchException OfAllToAll(int source, int destination, long gives, long expects) => new(FormattableString.Invariant(
        $"AllToAll: rank {source} gives rank {destination} {gives} elements, but rank {destination} expects {expects}. Make output {source} of rank {destination} as large as input {destination} of rank {source}."));
}

/// <summary>Another rank's process ended, or left the group, while this rank waited for it.</summary>
public sealed class PeerLostException : DistributedException
{
    /// <param name="operation">What this rank was doing.</param>
    /// <param name="rank">The rank that is lost.</param>
    /// <param name="processId">Its process id.</param>
    /// <param name="leftGroup">Whether it left the group in order: it disposed it, or its process ended with exit code 0. Otherwise its process has ended.</param>
    /// <param name="operations">How many operations of the group a rank that left had done; 0: none, or unknown.</param>
    public PeerLostException(string operation, int rank, int processId, bool leftGroup, long operations = 0)
        : base(FormattableString.Invariant((leftGroup, operations) switch
        {
            (true, > 0) => (FormattableString)$"{operation}: rank {rank} (process {processId}) has left the group: it left normally after {operations} operations, so it may have had fewer batches than this rank. Give all ranks the same number of batches, or use Join (DistributedDataParallel.Join) for uneven inputs; otherwise check its output for the reason.",
            (true, _) => $"{operation}: rank {rank} (process {processId}) has left the group. Check its output for the reason.",
            _ => $"{operation}: the process of rank {rank} (process {processId}) has ended. Check its output; if there is none, it may have been killed because memory ran out.",
        }))
    {
        Rank = rank;
        ProcessId = processId;
        HasLeft = leftGroup;
    }

    /// <param name="operation">What this rank was doing.</param>
    /// <param name="rank">The rank that is lost.</param>
    /// <param name="processId">Its process id.</param>
    /// <param name="cause">The error because of which it no longer takes part.</param>
    public PeerLostException(string operation, int rank, int processId, string cause)
        : base(FormattableString.Invariant($"{operation}: rank {rank} (process {processId}) has given up: {cause}"))
    {
        Rank = rank;
        ProcessId = processId;
        HasLeft = true;
    }

    private PeerLostException(string message, int rank, int processId)
        : base(message)
    {
        Rank = rank;
        ProcessId = processId;
    }

    /// <summary>The rank that is lost.</summary>
    public int Rank { get; }

    /// <summary>Its process id.</summary>
    public int ProcessId { get; }

    /// <summary>Whether the rank gave up or left the group; otherwise its process has ended.</summary>
    public bool HasLeft { get; }

    /// <summary>One of which nothing has been heard for a while: its process or its machine may have ended or been stopped, or the network in between be broken.</summary>
    internal static PeerLostException Silent(string operation, int rank, int processId, TimeSpan silence) => new(
        FormattableString.Invariant($"{operation}: rank {rank} (process {processId} on another machine) has shown no sign of life for {silence.TotalSeconds:0} s. Check whether its machine runs, the network between the machines, and its output."), rank, processId);
}

/// <summary>The ranks' models differ in the names, shapes or types of their parameters or buffers.</summary>
public sealed class ParameterMismatchException : DistributedException
{
    /// <param name="rank">The first rank whose model differs from rank 0's.</param>
    /// <param name="expected">What rank 0 has at the first difference.</param>
    /// <param name="found">What that rank has there.</param>
    public ParameterMismatchException(int rank, string expected, string found)
        : base(FormattableString.Invariant(
            $"the model of rank {rank} differs from that of rank 0: it has {found} where rank 0 has {expected}. Build the same model on every rank."))
    {
        Rank = rank;
    }

    /// <summary>The first rank whose model differs from rank 0's.</summary>
    public int Rank { get; }
}

/// <summary>Memory that the ranks share could not be made or mapped.</summary>
public sealed class SharedMemoryException : DistributedException
{
    /// <param name="message">What went wrong and what to do.</param>
    /// <param name="inner">The error that this one explains, if any.</param>
    public SharedMemoryException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>There is no MPI library that fits, or one of its functions failed.</summary>
public sealed class MpiException : DistributedException
{
    /// <param name="message">What went wrong and what to do.</param>
    /// <param name="inner">The error that this one explains, if any.</param>
    public MpiException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>
/// The processes of a job could not find each other: an environment variable is wrong, the store cannot be reached,
/// the job's secret differs, or the store is gone.
/// </summary>
public sealed class RendezvousException : DistributedException
{
    /// <param name="message">What went wrong and what to do.</param>
    /// <param name="inner">The error that this one explains, if any.</param>
    public RendezvousException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>Keys that this process waited for were not set in the store in time.</summary>
public sealed class StoreTimeoutException : DistributedException
{
    /// <param name="missingKeys">The keys that were not set.</param>
    /// <param name="timeout">How long was waited.</param>
    /// <param name="message">What was missing, in words; null: a sentence made from the other two.</param>
    public StoreTimeoutException(IReadOnlyList<string> missingKeys, TimeSpan timeout, string? message = null)
        : base(message ?? FormattableString.Invariant(
            $"the store did not receive {string.Join(", ", missingKeys.Select(key => $"'{key}'"))} within {timeout.TotalSeconds:0.###} s. Check whether the process that sets it has ended, or give a longer timeout."))
    {
        MissingKeys = missingKeys;
        Timeout = timeout;
    }

    /// <summary>The keys that were not set.</summary>
    public IReadOnlyList<string> MissingKeys { get; }

    /// <summary>How long was waited.</summary>
    public TimeSpan Timeout { get; }
}

/// <summary>Ranks in words.</summary>
internal static class RankList
{
    /// <summary><c>rank 3</c>, or <c>ranks 1, 3</c>.</summary>
    public static string Describe(IReadOnlyList<int> ranks) =>
        (ranks.Count == 1 ? "rank " : "ranks ") + string.Join(", ", ranks.Select(rank => rank.ToString(CultureInfo.InvariantCulture)));

    /// <summary>A rank whose process a signal has stopped, and what to do.</summary>
    public static string DescribeStopped(int rank, int processId) => FormattableString.Invariant($"the process of rank {rank} ({processId}) is stopped (SIGSTOP): resume it with kill -CONT {processId}");
}
