using System.Numerics;
using System.Runtime.CompilerServices;

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

/// <summary>Elements that are stored as they are computed with: float32 and float64.</summary>
internal readonly unsafe struct NativeElements<T> : IElements<T>
    where T : unmanaged
{
    public static int Bytes => sizeof(T);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* start, long index, out Vector<T> first, out Vector<T> second)
    {
        T* elements = (T*)start + index;
        first = Unsafe.ReadUnaligned<Vector<T>>(elements);
        second = Unsafe.ReadUnaligned<Vector<T>>(elements + Vector<T>.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load(byte* start, long index) => ((T*)start)[index];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* start, long index, Vector<T> first, Vector<T> second)
    {
        T* elements = (T*)start + index;
        Unsafe.WriteUnaligned(elements, first);
        Unsafe.WriteUnaligned(elements + Vector<T>.Count, second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* start, long index, T value) => ((T*)start)[index] = value;
}

/// <summary>bfloat16 in memory, float32 in registers; see <see cref="BFloat16Conversion"/>.</summary>
internal readonly unsafe struct BFloat16Elements : IElements<float>
{
    public static int Bytes => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* start, long index, out Vector<float> first, out Vector<float> second) =>
        BFloat16Conversion.Widen(Unsafe.ReadUnaligned<Vector<ushort>>((ushort*)start + index), out first, out second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* start, long index) => BFloat16Conversion.Widen(((ushort*)start)[index]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* start, long index, Vector<float> first, Vector<float> second) =>
        Unsafe.WriteUnaligned((ushort*)start + index, BFloat16Conversion.Narrow(first, second));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* start, long index, float value) => ((ushort*)start)[index] = BFloat16Conversion.Narrow(value);
}
