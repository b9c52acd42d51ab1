using System.Runtime.InteropServices;

namespace Convoy.Torch.Kernels;

/// <summary>Numbers outside the garbage collector, all 0 at first, that begin at a cache line: a wide vector that lies across two takes twice as long, and longer when it was just written.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed unsafe class AlignedNumbers<T> : IDisposable
    where T : unmanaged
{
    private const int CacheLine = 64;

    /// <param name="count">How many numbers.</param>
    public AlignedNumbers(int count)
    {
        Start = (T*)NativeMemory.AlignedAlloc((nuint)Math.Max(1, count) * (nuint)sizeof(T), CacheLine);
        Count = count;
        Span.Clear();
    }

    /// <summary>The first number.</summary>
    public T* Start { get; }

    /// <summary>How many there are.</summary>
    public int Count { get; }

    /// <summary>All of them.</summary>
    public Span<T> Span => new(Start, Count);

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.AlignedFree(Start);
}
