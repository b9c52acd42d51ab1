namespace Convoy.Distributed.Errors;

/// <summary>Another rank's process ended, or left the group, while this rank waited for it.</summary>
public sealed class PeerLostException : DistributedException
{
    /// <param name="operation">What this rank was doing.</param>
    /// <param name="rank">The rank that is lost.</param>
    /// <param name="processId">Its process id.</param>
    /// <param name="leftGroup">Whether it left the group in order (it disposed it); otherwise its process is no more.</param>
    public PeerLostException(string operation, int rank, int processId, bool leftGroup)
        : base(FormattableString.Invariant(leftGroup
            ? (FormattableString)$"{operation}: rank {rank} (process {processId}) has left the group. Look at its output for the reason."
            : $"{operation}: the process of rank {rank} (process {processId}) has ended. Look at its output; if there is none, it may have been killed for lack of memory."))
    {
        Rank = rank;
        ProcessId = processId;
        HasLeft = leftGroup;
    }

    /// <param name="operation">What this rank was doing.</param>
    /// <param name="rank">The rank that is lost.</param>
    /// <param name="processId">Its process id.</param>
    /// <param name="cause">The error for which it takes part no longer.</param>
    public PeerLostException(string operation, int rank, int processId, string cause)
        : base(FormattableString.Invariant($"{operation}: rank {rank} (process {processId}) has given up: {cause}"))
    {
        Rank = rank;
        ProcessId = processId;
        HasLeft = true;
    }

    /// <summary>The rank that is lost.</summary>
    public int Rank { get; }

    /// <summary>Its process id.</summary>
    public int ProcessId { get; }

    /// <summary>Whether the rank gave up or left the group; otherwise its process is no more.</summary>
    public bool HasLeft { get; }
}
