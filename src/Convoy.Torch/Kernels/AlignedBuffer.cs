using System.Runtime.InteropServices;

namespace Convoy.Torch.Kernels;

/// <summary>float32 memory outside the garbage collector, on a cache line's border, not cleared.</summary>
internal sealed unsafe class AlignedBuffer : IDisposable
{
    private const int CacheLine = 64;

    /// <summary>Takes memory.</summary>
    /// <param name="count">Numbers.</param>
    public AlignedBuffer(long count) => Start = (float*)NativeMemory.AlignedAlloc((nuint)count * sizeof(float), CacheLine);

    /// <summary>The first number.</summary>
    public float* Start { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(Start);
        Start = null;
    }
}
