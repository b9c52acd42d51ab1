using System.Runtime.InteropServices;
using System.Text;
using Convoy.Distributed.Errors;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// A rank's first error, in shared memory: who waits for that rank reports the cause, and not that the rank has left because of it.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FailureNote
{
    private const int MaximumTextBytes = 600;

    private int _kind;
    private int _culprit;
    private int _culpritLeft;
    private int _textBytes;
    private fixed byte _text[MaximumTextBytes];

    private enum Kind
    {
        None,
        PeerLost,
        TimedOut,
        Mismatch,
        Other,
    }

    /// <summary>Whether there is an error.</summary>
    public static bool IsSet(FailureNote* note) => Volatile.Read(ref note->_kind) != (int)Kind.None;

    /// <summary>Writes the first error of this rank; later ones follow from it.</summary>
    public static void Write(FailureNote* note, Exception error)
    {
        if (IsSet(note))
        {
            return;
        }

        var lost = error as PeerLostException;
        note->_culprit = lost?.Rank ?? (error as CollectiveTimeoutException)?.MissingRanks.FirstOrDefault(-1) ?? -1;
        note->_culpritLeft = lost is { HasLeft: true } ? 1 : 0;
        Encoding.UTF8.GetEncoder().Convert(error.Message, new Span<byte>(note->_text, MaximumTextBytes), flush: true, out _, out note->_textBytes, out _);
        Kind kind = error switch
        {
            PeerLostException => Kind.PeerLost,
            CollectiveTimeoutException => Kind.TimedOut,
            CollectiveMismatchException => Kind.Mismatch,
            _ => Kind.Other,
        };
        Volatile.Write(ref note->_kind, (int)kind);
    }

    /// <summary>The error for rank <paramref name="self"/>, which does <paramref name="operation"/> and waits for <paramref name="rank"/>, whose note this is.</summary>
    public static DistributedException ToError(FailureNote* note, string operation, int rank, int self, ControlBlock control, TimeSpan timeout)
    {
        int culprit = note->_culprit;
        string text = Encoding.UTF8.GetString(note->_text, note->_textBytes);
        bool others = culprit >= 0 && culprit != self;
        return ((Kind)note->_kind, others) switch
        {
            (Kind.PeerLost, true) => new PeerLostException(operation, culprit, control.Slot(culprit)->ProcessId, note->_culpritLeft != 0, control.Slot(culprit)->OperationsWhenLeft),
            (Kind.TimedOut, true) => new CollectiveTimeoutException(operation, [culprit], timeout, FormattableString.Invariant($"rank {rank} has given up: {text.TrimEnd('.')}")),
            (Kind.Mismatch, _) => new CollectiveMismatchException(FormattableString.Invariant($"{operation}: rank {rank} has given up: {text}")),
            _ => new PeerLostException(operation, rank, control.Slot(rank)->ProcessId, text),
        };
    }
}
