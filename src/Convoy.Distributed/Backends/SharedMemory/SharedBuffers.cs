using Convoy.Torch.Interop;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>The buffers that a group's ranks have allocated together.</summary>
internal sealed unsafe class SharedBuffers(int rank, int ranks) : IDisposable
{
    private readonly List<SharedBuffer> _buffers = [];
    private int _allocated;

    /// <summary>The size of the memory for buffers of <paramref name="count"/> elements on all ranks.</summary>
    public static long SegmentBytes(long count, ScalarType dtype, int ranks)
    {
        using Tensor one = empty([1], dtype).DetachFromDisposeScope();
        return SharedBuffer.SegmentBytes(checked(count * one.element_size()), ranks);
    }

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
