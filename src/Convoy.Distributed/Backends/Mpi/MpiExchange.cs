using System.Runtime.InteropServices;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>
/// What every collective operation begins with: each rank sends each other one what it calls, together with its data where that is little, and waits until all have done so. So a rank
/// that calls something else is found before anything of the wrong size is sent, and it is known who is missing. What is larger follows in messages of
/// its own, from the tensors' memory. Operations of a group follow one another, so that tags tell phases and nothing else.
/// </summary>
internal sealed unsafe class MpiExchange : IDisposable
{
    /// <summary>The tag of data on its way to whoever combines or needs it.</summary>
    public const int DataTag = 2;

    /// <summary>The tag of results on their way back.</summary>
    public const int ResultTag = 3;

    private const int MeetingTag = 1;

    // What a rank sends at most with the calls of one operation: beyond it, combining once and sending twice is less work than sending once and combining everywhere.
    private const long MostInlineBytes = 64 << 10;
    private const long LargestInlineBytes = 16 << 10;
    private const long SmallestInlineBytes = 256;

    // Where the data begins: what comes before is a call.
    private const int CallBytes = 64;

    private readonly Action _allArrived;
    private readonly RequestSet _meeting;
    private readonly long _slotBytes;
    private byte* _slots;
    private MpiCall _call;

    public MpiExchange(MpiCommunicator communicator, MpiPeers peers, Action allArrived)
    {
        Communicator = communicator;
        Peers = peers;
        _allArrived = allArrived;
        int others = Math.Max(1, Size - 1);
        _meeting = new RequestSet(communicator, 2 * others);

        // Whatever it is, the sizes of an all-to-all and the ranks of a new group go with the call.
        InlineBytes = Math.Max(2L * sizeof(long) * Size, Math.Clamp(MostInlineBytes / others, SmallestInlineBytes, LargestInlineBytes));
        _slotBytes = CallBytes + InlineBytes;
        _slots = (byte*)NativeMemory.AlignedAlloc((nuint)(2 * Size * _slotBytes), 64);
    }

    public MpiCommunicator Communicator { get; }

    public MpiPeers Peers { get; }

    public int Rank => Communicator.Rank;

    public int Size => Communicator.Size;

    /// <summary>How much data for one rank goes with the call.</summary>
    public long InlineBytes { get; }

    /// <summary>The name of the present operation, for errors.</summary>
    public string OperationName { get; private set; } = "";

    /// <summary>Where the data for a rank that goes with the call is written before <see cref="Meet"/>; at this rank's own place what is the same for all.</summary>
    public byte* Outgoing(int rank) => Slot(Size + rank) + CallBytes;

    /// <summary>Where the data that came with a rank's call lies after <see cref="Meet"/>, until the next operation.</summary>
    public byte* Incoming(int rank) => Slot(rank) + CallBytes;

    /// <summary>Returns when all ranks have called the same.</summary>
    /// <param name="operation">What this rank calls.</param>
    /// <param name="bytes">How much data goes with it to each rank that gets some.</param>
    /// <param name="recipients">Who gets data.</param>
    /// <param name="recipient">The only rank that does, with <see cref="Recipients.One"/>.</param>
    /// <exception cref="CollectiveMismatchException">A rank called something else.</exception>
    /// <exception cref="DistributedException">A rank ended or did not come.</exception>
    public void Meet(Operation operation, long bytes = 0, Recipients recipients = Recipients.None, int recipient = -1)
    {
        Peers.Operation++;
        OperationName = operation.Name;
        _call = new MpiCall(operation);
        *(MpiCall*)Slot(Size + Rank) = _call;
        for (int other = 0; other < Size; other++)
        {
            if (other != Rank)
            {
                _meeting.Receive(Slot(other), _slotBytes, other, MeetingTag);
            }
        }

        for (int i = 1; i < Size; i++)
        {
            // Not all to rank 0 first.
            int other = (Rank + i) % Size;
            byte* slot = Slot(Size + Rank);
            if (recipients == Recipients.EachItsOwn)
            {
                slot = Slot(Size + other);
                *(MpiCall*)slot = _call;
            }

            bool isGiven = recipients is Recipients.All or Recipients.EachItsOwn || (recipients == Recipients.One && other == recipient);
            _meeting.Send(slot, CallBytes + (isGiven ? bytes : 0), other, MeetingTag);
        }

        Await(_meeting);
        _allArrived();
        RequireSameCalls();
    }

    /// <summary>As <see cref="Meet"/>, for a new group: the ranks go with the call.</summary>
    public void MeetForGroup(Operation operation, IReadOnlyList<int> ranks)
    {
        var place = new Span<int>(Outgoing(Rank), ranks.Count);
        for (int i = 0; i < ranks.Count; i++)
        {
            place[i] = ranks[i];
        }

        Meet(operation, (long)ranks.Count * sizeof(int), Recipients.All);
    }

    /// <summary>Returns when all of the messages are there, or sent.</summary>
    public void Await(RequestSet messages)
    {
        var patience = new PeerPatience(Peers, OperationName);
        while (!messages.TestAll())
        {
            patience.Pause(messages);
        }
    }

    /// <summary>The ranks that have not begun the present operation.</summary>
    public int[] Missing() => _meeting.Awaited();

    /// <summary>After a failure: withdraws what is under way.</summary>
    /// <returns>Whether nothing is any more.</returns>
    public bool Abandon() => _meeting.Abandon();

    public void Dispose()
    {
        _meeting.Dispose();
        NativeMemory.AlignedFree(_slots);
        _slots = null;
    }

    private byte* Slot(int index) => _slots + (index * _slotBytes);

    private void RequireSameCalls()
    {
        for (int other = 0; other < Size; other++)
        {
            var call = (MpiCall*)Slot(other);
            if (other != Rank && *call != _call)
            {
                throw CollectiveMismatchException.Between(Peers.Names[Rank], _call.Describe((int*)Outgoing(Rank)), Peers.Names[other], call->Describe((int*)Incoming(other)));
            }
        }
    }
}

/// <summary>Who gets data with a call.</summary>
internal enum Recipients
{
    /// <summary>Nobody.</summary>
    None,

    /// <summary>One rank.</summary>
    One,

    /// <summary>All, the same.</summary>
    All,

    /// <summary>All, each its own.</summary>
    EachItsOwn,
}

/// <summary>A call as it travels.</summary>
/// <param name="Signature">What has to be the same on all ranks; for a new group the count is that of its ranks, which come with the call.</param>
/// <param name="Members">The ranks of a new group, hashed; otherwise 0.</param>
internal readonly record struct MpiCall(CallSignature Signature, long Members)
{
    public MpiCall(Operation operation)
        : this(
            operation.Ranks is { } ranks ? new CallSignature(operation) with { Count = ranks.Count } : new CallSignature(operation),
            operation.Ranks?.Aggregate(0L, (sum, rank) => unchecked((sum * 31) + rank + 1)) ?? 0)
    {
    }

    /// <summary>For example <c>AllReduce([5] Float32, Sum)</c>.</summary>
    /// <param name="ranks">The ranks of a new group.</param>
    public unsafe string Describe(int* ranks) => Signature.Kind == OperationKind.NewGroup
        ? new Operation(Signature.Kind, Ranks: new ReadOnlySpan<int>(ranks, (int)Signature.Count).ToArray()).Signature
        : Signature.ToString();
}
