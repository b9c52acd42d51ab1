using Convoy.Torch.Interop;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>The buffers that a group's ranks have allocated together.</summary>
internal sealed unsafe class SharedBuffers(int rank, int ranks) : IDisposable
{
    private readonly List<SharedBuffer> _buffers = [];
    private int _allocated;

    /// <summary>The size of the memory for buffers of <paramref name="count"/> elements on all ranks.</summary>
    public static long SegmentBytes(long count, ScalarType dtype, int ranks) => SharedBuffer.SegmentBytes(checked(count * Operation.BytesOf(dtype)), ranks);

    /// <summary>Takes over new memory; gives the tensor over this rank's part of it.</summary>
    public Tensor Add(SharedMemorySegment segment, long count, ScalarType dtype)
    {
        RemoveUnused();
        var buffer = new SharedBuffer(segment, ++_allocated, rank, ranks);
        segment.AddUser();
        Tensor tensor = TensorMemory.Wrap(buffer.Region(rank), count, dtype, buffer.OnTensorReleased);
        _buffers.Add(buffer);
        return tensor.DetachFromDisposeScope();
    }

    /// <summary>The buffer in which an address lies; null: none.</summary>
    public SharedBuffer? Find(byte* address)
    {
        foreach (SharedBuffer buffer in _buffers)
        {
            if (buffer.OffsetOf(address) >= 0)
            {
                return buffer;
            }
        }

        return null;
    }

    public void Dispose()
    {
        foreach (SharedBuffer buffer in _buffers)
        {
            buffer.Segment.Dispose();
        }
    }

    // Each rank by itself: no operation can address a buffer of which this rank has no tensor.
    // Asked once about each, as any thread may release a tensor meanwhile.
    private void RemoveUnused() => _buffers.RemoveAll(buffer =>
    {
        bool isUnused = buffer.IsUnused;
        if (isUnused)
        {
            buffer.Segment.Dispose();
        }

        return isUnused;
    });
}

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
