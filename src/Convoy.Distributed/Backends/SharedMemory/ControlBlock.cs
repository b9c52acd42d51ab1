namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// The start of a group's first segment: the words of the barrier, then a slot for each rank, then (at
/// <see cref="ScratchOffset"/>) a scratch area for each rank through which tensors in ordinary memory travel.
/// </summary>
internal readonly unsafe struct ControlBlock
{
    public const int MaximumRanks = 1024;

    private const int SlotsOffset = 512;

    private readonly byte* _start;

    public ControlBlock(byte* start) => _start = start;

    // Words that different ranks write lie on different cache lines; 128 bytes, as processors fetch lines in pairs.

    /// <summary>How many ranks have arrived at the present barrier.</summary>
    public int* Arrivals => (int*)_start;

    /// <summary>The number of the last barrier that all ranks reached.</summary>
    public int* Generation => (int*)(_start + 128);

    /// <summary>How many ranks sleep at <see cref="Generation"/>.</summary>
    public int* Sleepers => (int*)(_start + 256);

    public RankSlot* Slot(int rank) => (RankSlot*)(_start + SlotsOffset + (rank * sizeof(RankSlot)));

    public static long ScratchOffset(int ranks) => (SlotsOffset + ((long)ranks * sizeof(RankSlot)) + 4095) & ~4095L;
}
