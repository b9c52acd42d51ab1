namespace Convoy.Distributed.Backends;

/// <summary>What kind of error keeps a rank from taking part any more.</summary>
internal enum FailureKind
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>Another rank ended or left.</summary>
    PeerLost,

    /// <summary>Ranks did not come in time.</summary>
    TimedOut,

    /// <summary>Ranks called different things.</summary>
    Mismatch,

    /// <summary>Another one.</summary>
    Other,
}

/// <summary>A rank's first error as it tells the others, so that they report the cause, and not that the rank has left because of it.</summary>
/// <param name="Kind">What kind of error.</param>
/// <param name="Culprit">What the rank is called because of which it failed, which may be one of another host; -1: none.</param>
/// <param name="CulpritProcess">That one's process; 0: unknown.</param>
/// <param name="CulpritLeft">Whether that one left in order.</param>
/// <param name="Text">The error's message.</param>
internal readonly record struct FailureCause(FailureKind Kind, int Culprit, int CulpritProcess, bool CulpritLeft, string Text)
{
    /// <summary>What a rank tells of its error.</summary>
    public static FailureCause Of(Exception error)
    {
        var lost = error as PeerLostException;
        return new FailureCause(
            error switch
            {
                PeerLostException => FailureKind.PeerLost,
                CollectiveTimeoutException => FailureKind.TimedOut,
                CollectiveMismatchException => FailureKind.Mismatch,
                _ => FailureKind.Other,
            },
            lost?.Rank ?? (error as CollectiveTimeoutException)?.MissingRanks.FirstOrDefault(-1) ?? -1,
            lost?.ProcessId ?? 0,
            lost is { HasLeft: true },
            error.Message);
    }

    /// <summary>The error for a rank that waits for the one that told this.</summary>
    /// <param name="operation">What the waiting rank does.</param>
    /// <param name="self">What the waiting rank is called.</param>
    /// <param name="teller">What the rank is called that told it, and its process.</param>
    /// <param name="culprit">The culprit's process, and how many operations it had done when it left (0: unknown); null: nothing is known of it.</param>
    /// <param name="timeout">How long operations wait.</param>
    public DistributedException ToError(string operation, int self, (int Rank, int ProcessId) teller, (int ProcessId, long Operations)? culprit, TimeSpan timeout) => (Kind, Culprit >= 0 && Culprit != self, culprit) switch
    {
        (FailureKind.PeerLost, true, { } known) => new PeerLostException(operation, Culprit, known.ProcessId, CulpritLeft, known.Operations),
        (FailureKind.TimedOut, true, _) => new CollectiveTimeoutException(operation, [Culprit], timeout, FormattableString.Invariant($"rank {teller.Rank} has given up: {Text.TrimEnd('.')}")),
        (FailureKind.Mismatch, _, _) => new CollectiveMismatchException(FormattableString.Invariant($"{operation}: rank {teller.Rank} has given up: {Text}")),
        _ => new PeerLostException(operation, teller.Rank, teller.ProcessId, Text),
    };
}
