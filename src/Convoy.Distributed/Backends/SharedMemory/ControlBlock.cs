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
