using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// How a group's memory is laid out: the words of the barrier, a slot for each rank, two areas for each rank through which
/// tensors in ordinary memory travel, then a mailbox for each ordered pair of ranks.
/// </summary>
internal readonly unsafe struct ControlBlock
{
    public const int MaximumRanks = 256;

    /// <summary>The size of an area: what is on its way stays in the cache.</summary>
    public const int AreaBytes = 512 << 10;

    private const int SlotsOffset = 512;
    private const int AreasOfARank = 2;

    private readonly byte* _start;
    private readonly int _ranks;

    public ControlBlock(byte* start, int ranks)
    {
        _start = start;
        _ranks = ranks;
    }

    // Words that different ranks write lie on different cache lines; 128 bytes, as processors fetch lines in pairs.

    /// <summary>How many ranks have arrived at the present barrier.</summary>
    public int* Arrivals => (int*)_start;

    /// <summary>The number of the last barrier that all ranks reached.</summary>
    public int* Generation => (int*)(_start + 128);

    /// <summary>How many ranks sleep at <see cref="Generation"/>.</summary>
    public int* Sleepers => (int*)(_start + 256);

    /// <summary>The size of the memory of a group of <paramref name="ranks"/> ranks.</summary>
    public static long Bytes(int ranks) => MailboxesOffset(ranks) + ((long)ranks * ranks * Mailbox.Bytes(ranks));

    public RankSlot* Slot(int rank) => (RankSlot*)(_start + SlotsOffset + (rank * sizeof(RankSlot)));

    /// <summary>A rank's area for rounds with an even, or with an odd number.</summary>
    public byte* Area(int rank, bool even) => _start + AreasOffset(_ranks) + (((long)rank * AreasOfARank) + (even ? 0 : 1)) * AreaBytes;

    /// <summary>The mailbox for what one rank sends another.</summary>
    public Mailbox MailboxOf(int source, int destination) =>
        new(_start + MailboxesOffset(_ranks) + ((((long)source * _ranks) + destination) * Mailbox.Bytes(_ranks)), _ranks);

    private static long AreasOffset(int ranks) => (SlotsOffset + ((long)ranks * sizeof(RankSlot)) + 4095) & ~4095L;

    private static long MailboxesOffset(int ranks) => AreasOffset(ranks) + ((long)ranks * AreasOfARank * AreaBytes);
}

/// <summary>What one rank tells the others about itself.</summary>
[StructLayout(LayoutKind.Sequential, Size = 1024)]
internal struct RankSlot
{
    /// <summary>The number of the last barrier that it arrived at.</summary>
    public int Arrived;

    /// <summary>1 once it left the group in order.</summary>
    public int Left;

    public int ProcessId;

    /// <summary>When its process started; tells it from a later process with the same number. 0: unknown.</summary>
    public long ProcessStart;

    /// <summary>How many operations of the group it had done when it left.</summary>
    public long OperationsWhenLeft;

    /// <summary>What it does: the present operation and the one before, by turns, as others may not have read that yet.</summary>
    public SharedOperation EvenCall;

    public SharedOperation OddCall;

    /// <summary>Why it no longer takes part.</summary>
    public FailureNote Failure;
}

/// <summary>
/// The part of an <see cref="Operation"/> that has to be the same on all ranks, as it lies in shared memory for the others to compare.
/// Sizes must agree, shapes need not.
/// </summary>
/// <param name="Kind">Which operation.</param>
/// <param name="ElementType">The tensors' type; <see cref="None"/> where there are none.</param>
/// <param name="Count">The number of elements; 0 where they may differ.</param>
/// <param name="Op">The <see cref="ReduceOp"/>, or <see cref="None"/>.</param>
/// <param name="Root">The root, or <see cref="None"/>.</param>
/// <param name="Buffer">In which of the group's buffers the tensor lies; <see cref="None"/>: in ordinary memory.</param>
/// <param name="Offset">Where in that buffer, in bytes.</param>
internal readonly record struct SharedOperation(OperationKind Kind, int ElementType, long Count, int Op, int Root, int Buffer, long Offset)
{
    public const int None = -1;

    public SharedOperation(Operation operation, int buffer = None, long offset = None)
        : this(
            operation.Kind,
            (int?)operation.ElementType ?? None,
            operation.Kind == OperationKind.AllToAll ? 0 : operation.Count,
            (int?)operation.ReduceOp ?? None,
            operation.Peer ?? None,
            buffer,
            offset)
    {
    }

    /// <summary>For example <c>AllReduce([5] Float32, Sum) in buffer 1 at byte 64</c>.</summary>
    public override string ToString()
    {
        ScalarType? type = ElementType == None ? null : (ScalarType)ElementType;
        string call = new Operation(Kind, type, [Count], Op == None ? null : (ReduceOp)Op, Root == None ? null : Root).Signature;
        return Kind != OperationKind.AllReduce ? call
            : Buffer == None ? $"{call} in ordinary memory"
            : FormattableString.Invariant($"{call} in buffer {Buffer} at byte {Offset}");
    }
}

/// <summary>
/// A rank's first error, in shared memory: ranks that wait for it report the cause, and not that the rank has left because of it.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FailureNote
{
    private const int MaximumTextBytes = 600;

    private int _kind;

    // What it is called: it may be a rank of another host, of which this group knows nothing else.
    private int _culprit;
    private int _culpritProcess;
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
        note->_culpritProcess = lost?.ProcessId ?? 0;
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
    public static DistributedException ToError(FailureNote* note, string operation, int rank, int self, ControlBlock control, TimeSpan timeout, RankNames names)
    {
        int culprit = note->_culprit;
        string text = Encoding.UTF8.GetString(note->_text, note->_textBytes);
        bool others = culprit >= 0 && culprit != names[self];
        int member = names.Find(culprit);
        return ((Kind)note->_kind, others) switch
        {
            (Kind.PeerLost, true) => new PeerLostException(operation, culprit, note->_culpritProcess, note->_culpritLeft != 0, member < 0 ? 0 : control.Slot(member)->OperationsWhenLeft),
            (Kind.TimedOut, true) => new CollectiveTimeoutException(operation, [culprit], timeout, FormattableString.Invariant($"rank {names[rank]} has given up: {text.TrimEnd('.')}")),
            (Kind.Mismatch, _) => new CollectiveMismatchException(FormattableString.Invariant($"{operation}: rank {names[rank]} has given up: {text}")),
            _ => new PeerLostException(operation, names[rank], control.Slot(rank)->ProcessId, text),
        };
    }
}
