using System.Runtime.InteropServices;

namespace Convoy.Torch.Kernels;

/// <summary>Numbers outside the garbage collector that begin at a <see cref="CacheLine"/>.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed unsafe class AlignedBuffer<T> : IDisposable
    where T : unmanaged
{
    private void* _memory;

    /// <summary>Takes memory.</summary>
    /// <param name="count">How many numbers.</param>
    /// <param name="cleared">Whether they are 0 at first. Default: they are whatever was there.</param>
    public AlignedBuffer(long count, bool cleared = false)
    {
        // Not AlignedAlloc, whose memory glibc cannot give to the next that asks for as much (TensorAllocator says why).
        _memory = NativeMemory.Alloc(((nuint)count * (nuint)sizeof(T)) + CacheLine.Bytes);
        Start = (T*)CacheLine.Align(_memory);
        Count = count;
        if (cleared)
        {
            NativeMemory.Clear(Start, (nuint)count * (nuint)sizeof(T));
        }
    }

    /// <summary>The first number.</summary>
    public T* Start { get; private set; }

    /// <summary>How many there are.</summary>
    public long Count { get; }

    /// <summary>All of them, where they are not more than a span has.</summary>
    public Span<T> Span => new(Start, checked((int)Count));

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_memory);
        _memory = null;
        Start = null;
    }
}
