using System.Numerics;

namespace Convoy.Torch.Kernels;

/// <summary>How the elements of a tensor are read and written; the arithmetic is done in <typeparamref name="T"/>.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal unsafe interface IElements<T>
    where T : unmanaged
{
    /// <summary>Bytes of an element in memory.</summary>
    static abstract int Bytes { get; }

    /// <summary>Reads the 2 * <c>Vector&lt;T&gt;.Count</c> elements from <paramref name="index"/> on.</summary>
    static abstract void Load(byte* start, long index, out Vector<T> first, out Vector<T> second);

    /// <summary>Reads one element.</summary>
    static abstract T Load(byte* start, long index);

    /// <summary>Writes 2 * <c>Vector&lt;T&gt;.Count</c> elements from <paramref name="index"/> on.</summary>
    static abstract void Store(byte* start, long index, Vector<T> first, Vector<T> second);

    /// <summary>Writes one element.</summary>
    static abstract void Store(byte* start, long index, T value);
}
