using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Torch.Kernels;

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
