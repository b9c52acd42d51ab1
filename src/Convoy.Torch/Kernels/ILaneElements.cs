using System.Runtime.CompilerServices;

namespace Convoy.Torch.Kernels;

/// <summary>How the elements of a tensor are read and written, a pair of vectors at a time; the arithmetic is done in <typeparamref name="T"/>.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <typeparam name="TLanes">A vector of it.</typeparam>
internal unsafe interface ILaneElements<T, TLanes>
    where T : unmanaged
    where TLanes : unmanaged, ILanes<T, TLanes>
{
    /// <summary>Bytes of an element in memory.</summary>
    static abstract int Bytes { get; }

    /// <summary>
    /// Whether the first vector of a pair holds the elements with even numbers and the second those with odd ones. Otherwise it holds the first half. Numbers that go with elements
    /// are brought into the same order by <see cref="ElementOrder"/>.
    /// </summary>
    static abstract bool Alternate { get; }

    /// <summary>Reads the 2 * Count elements from <paramref name="index"/> on.</summary>
    static abstract void Load(byte* start, long index, out TLanes first, out TLanes second);

    /// <summary>Reads one element.</summary>
    static abstract T Load(byte* start, long index);

    /// <summary>Writes 2 * Count elements from <paramref name="index"/> on.</summary>
    static abstract void Store(byte* start, long index, TLanes first, TLanes second);

    /// <summary>Writes one element.</summary>
    static abstract void Store(byte* start, long index, T value);
}

/// <summary>Elements that are stored as they are computed with: float32 and float64.</summary>
internal readonly unsafe struct NativeElements<T, TLanes> : ILaneElements<T, TLanes>
    where T : unmanaged
    where TLanes : unmanaged, ILanes<T, TLanes>
{
    public static int Bytes => sizeof(T);

    public static bool Alternate => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* start, long index, out TLanes first, out TLanes second)
    {
        T* elements = (T*)start + index;
        first = TLanes.Load(elements);
        second = TLanes.Load(elements + TLanes.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load(byte* start, long index) => ((T*)start)[index];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* start, long index, TLanes first, TLanes second)
    {
        T* elements = (T*)start + index;
        TLanes.Store(first, elements);
        TLanes.Store(second, elements + TLanes.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* start, long index, T value) => ((T*)start)[index] = value;
}

/// <summary>bfloat16 in memory, float32 in registers; see <see cref="BFloat16Conversion"/>.</summary>
internal readonly unsafe struct BFloat16Elements<TLanes> : ILaneElements<float, TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    public static int Bytes => sizeof(ushort);

    public static bool Alternate => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* start, long index, out TLanes first, out TLanes second) => TLanes.LoadEvenOdd((ushort*)start + index, out first, out second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* start, long index) => BFloat16Conversion.Widen(((ushort*)start)[index]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* start, long index, TLanes first, TLanes second) => TLanes.StoreEvenOdd(first, second, (ushort*)start + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* start, long index, float value) => ((ushort*)start)[index] = BFloat16Conversion.Narrow(value);
}
