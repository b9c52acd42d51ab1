using System.Runtime.InteropServices;
using System.Text;

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

/// <summary>A call as it lies in shared memory for the others to compare.</summary>
/// <param name="Signature">What is called.</param>
/// <param name="Buffer">In which of the group's buffers the tensor lies; <see cref="None"/>: in ordinary memory.</param>
/// <param name="Offset">Where in that buffer, in bytes.</param>
internal readonly record struct SharedOperation(CallSignature Signature, int Buffer, long Offset)
{
    public const int None = -1;

    /// <summary>For example <c>AllReduce([5] Float32, Sum) in buffer 1 at byte 64</c>.</summary>
    public override string ToString() => Signature.Kind != OperationKind.AllReduce ? $"{Signature}"
        : Buffer == None ? $"{Signature} in ordinary memory"
        : FormattableString.Invariant($"{Signature} in buffer {Buffer} at byte {Offset}");
}

/// <summary>A rank's <see cref="FailureCause"/>, in shared memory.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FailureNote
{
    private const int MaximumTextBytes = 600;

    private int _kind;
    private int _culprit;
    private int _culpritProcess;
    private int _culpritLeft;
    private int _textBytes;
    private fixed byte _text[MaximumTextBytes];

    /// <summary>Whether there is an error.</summary>
    public static bool IsSet(FailureNote* note) => Volatile.Read(ref note->_kind) != (int)FailureKind.None;

    /// <summary>Writes the first error of this rank; later ones follow from it.</summary>
    public static void Write(FailureNote* note, Exception error)
    {
        if (IsSet(note))
        {
            return;
        }

        var cause = FailureCause.Of(error);
        note->_culprit = cause.Culprit;
        note->_culpritProcess = cause.CulpritProcess;
        note->_culpritLeft = cause.CulpritLeft ? 1 : 0;
        Encoding.UTF8.GetEncoder().Convert(cause.Text, new Span<byte>(note->_text, MaximumTextBytes), flush: true, out _, out note->_textBytes, out _);
        Volatile.Write(ref note->_kind, (int)cause.Kind);
    }

    /// <summary>The error for rank <paramref name="self"/>, which does <paramref name="operation"/> and waits for <paramref name="rank"/>, whose note this is.</summary>
    public static DistributedException ToError(FailureNote* note, string operation, int rank, int self, ControlBlock control, TimeSpan timeout, RankNames names)
    {
        var cause = new FailureCause((FailureKind)note->_kind, note->_culprit, note->_culpritProcess, note->_culpritLeft != 0, Encoding.UTF8.GetString(note->_text, note->_textBytes));
        int member = names.Find(cause.Culprit);
        long operations = member < 0 ? 0 : control.Slot(member)->OperationsWhenLeft;
        return cause.ToError(operation, names[self], (names[rank], control.Slot(rank)->ProcessId), (cause.CulpritProcess, operations), timeout);
    }
}
