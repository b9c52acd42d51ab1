using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Convoy.Distributed.Backends.Reductions;

/// <summary>Elements that are combined as they are.</summary>
internal readonly unsafe struct PlainFormat<T> : IElementFormat<T, T>
    where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<T> First, Vector256<T> Second) Load(T* from) => (Vector256.Load(from), Vector256.Load(from + Vector256<T>.Count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<T> first, Vector256<T> second, T* to)
    {
        first.Store(to);
        second.Store(to + Vector256<T>.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNonTemporal(Vector256<T> first, Vector256<T> second, T* to)
    {
        first.StoreAlignedNonTemporal(to);
        second.StoreAlignedNonTemporal(to + Vector256<T>.Count);
    }
}
