using System.Runtime.InteropServices;

namespace Convoy.Torch.Convolution;

/// <summary>float32 memory outside the garbage collector, on a cache line's border, not cleared.</summary>
internal sealed unsafe class AlignedBuffer : IDisposable
{
    private const int CacheLine = 64;
    private void* _memory;

    /// <summary>Takes memory.</summary>
    /// <param name="count">Numbers.</param>
    public AlignedBuffer(long count)
    {
        // Not AlignedAlloc, whose memory glibc cannot give to the next that asks for as much (TensorAllocator says why).
        _memory = NativeMemory.Alloc(((nuint)count * sizeof(float)) + CacheLine);
        Start = (float*)(((nint)_memory + CacheLine - 1) & -CacheLine);
    }

    /// <summary>The first number.</summary>
    public float* Start { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_memory);
        _memory = null;
        Start = null;
    }
}
