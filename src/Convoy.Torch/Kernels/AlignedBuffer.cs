using System.Runtime.InteropServices;

namespace Convoy.Torch.Kernels;

/// <summary>float32 memory outside the garbage collector, on a cache line's border, not cleared.</summary>
internal sealed unsafe class AlignedBuffer : IDisposable
{
    private const int CacheLine = 64;
    private void* _memory;

    /// <summary>Numbers of a cache line.</summary>
    public const int Line = CacheLine / sizeof(float);

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

    /// <summary>The first cache line's border from <paramref name="start"/> on: vectors of 512 bits that lie across two lines take twice as long.</summary>
    /// <param name="start">Memory with room for <see cref="Line"/> numbers more than are used.</param>
    public static float* Align(float* start) => (float*)(((nint)start + CacheLine - 1) & -CacheLine);

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_memory);
        _memory = null;
        Start = null;
    }
}
