using System.Runtime.CompilerServices;

namespace Convoy.Torch.Kernels;

/// <summary>How the elements of an image are read into vectors of float32 whose width the caller chooses, and written.</summary>
internal unsafe interface IImageElements
{
    /// <summary>Bytes of an element in memory.</summary>
    static abstract int Bytes { get; }

    /// <summary>Reads two vectors of elements from <paramref name="index"/> on.</summary>
    static abstract void Load<TLanes>(byte* start, int index, out TLanes first, out TLanes second)
        where TLanes : unmanaged, ILanes<TLanes>;

    /// <summary>Writes two vectors of elements from <paramref name="index"/> on.</summary>
    static abstract void Store<TLanes>(byte* start, int index, TLanes first, TLanes second)
        where TLanes : unmanaged, ILanes<TLanes>;
}

/// <summary>float32 in memory.</summary>
internal readonly unsafe struct Float32Image : IImageElements
{
    public static int Bytes => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load<TLanes>(byte* start, int index, out TLanes first, out TLanes second)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        float* elements = (float*)start + index;
        first = TLanes.Load(elements);
        second = TLanes.Load(elements + TLanes.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TLanes>(byte* start, int index, TLanes first, TLanes second)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        float* elements = (float*)start + index;
        TLanes.Store(first, elements);
        TLanes.Store(second, elements + TLanes.Count);
    }
}

/// <summary>bfloat16 in memory; see <see cref="BFloat16Conversion"/>.</summary>
internal readonly unsafe struct BFloat16Image : IImageElements
{
    public static int Bytes => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load<TLanes>(byte* start, int index, out TLanes first, out TLanes second)
        where TLanes : unmanaged, ILanes<TLanes> => TLanes.LoadBFloat16((ushort*)start + index, out first, out second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TLanes>(byte* start, int index, TLanes first, TLanes second)
        where TLanes : unmanaged, ILanes<TLanes> => TLanes.StoreBFloat16(first, second, (ushort*)start + index);
}
