namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>A segment that holds one region for each rank, all of the same size: the ranks' gradient buckets, for example.</summary>
internal sealed unsafe class SharedBuffer
{
    private const long Alignment = 4096;

    private readonly SharedMemorySegment _segment;
    private readonly int _rank;
    private readonly long _regionBytes;

    public SharedBuffer(SharedMemorySegment segment, int number, int rank, int ranks)
    {
        _segment = segment;
        Number = number;
        _rank = rank;
        _regionBytes = segment.Bytes / ranks;
    }

    public SharedMemorySegment Segment => _segment;

    /// <summary>Which of the group's buffers it is, from 1: the same on all ranks, as they allocate together.</summary>
    public int Number { get; }

    /// <summary>Whether no tensor of this rank uses it any more.</summary>
    public bool IsUnused { get; private set; }

    /// <summary>The size of a segment with room for <paramref name="bytes"/> a rank.</summary>
    public static long SegmentBytes(long bytes, int ranks) => (bytes + Alignment - 1) / Alignment * Alignment * ranks;

    public byte* Region(int rank) => _segment.Start + (rank * _regionBytes);

    /// <summary>Where in this rank's region an address lies; -1: not in it.</summary>
    public long OffsetOf(byte* address)
    {
        long offset = address - Region(_rank);
        return offset >= 0 && offset < _regionBytes ? offset : -1;
    }

    /// <summary>The tensor over this rank's region is gone. Called from any thread.</summary>
    public void OnTensorReleased()
    {
        IsUnused = true;
        _segment.Release();
    }
}
