namespace Convoy.Distributed.Errors;

/// <summary>Another rank's process ended, or left the group, while this rank waited for it.</summary>
public sealed class PeerLostException : DistributedException
{
    /// <param name="operation">What this rank was doing.</param>
    /// <param name="rank">The rank that is lost.</param>
    /// <param name="processId">Its process id.</param>
    /// <param name="leftGroup">Whether it left the group in order: it disposed it, or its process ended with exit code 0. Otherwise its process is no more.</param>
    /// <param name="operations">How many operations of the group a rank that left had done; 0: none, or unknown.</param>
    public PeerLostException(string operation, int rank, int processId, bool leftGroup, long operations = 0)
        : base(FormattableString.Invariant((leftGroup, operations) switch
        {
            (true, > 0) => (FormattableString)$"{operation}: rank {rank} (process {processId}) has left the group: it left after {operations} operations in order, so it may have had fewer batches than this rank. Give all ranks equally many, or see Join (DistributedDataParallel.Join), for ranks with uneven inputs; if that is not it, look at its output for the reason.",
            (true, _) => $"{operation}: rank {rank} (process {processId}) has left the group. Look at its output for the reason.",
            _ => $"{operation}: the process of rank {rank} (process {processId}) has ended. Look at its output; if there is none, it may have been killed for lack of memory.",
        }))
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
