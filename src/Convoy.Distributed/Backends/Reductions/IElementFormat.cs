using System.Numerics;
using System.Runtime.CompilerServices;
using Convoy.Torch.Kernels;

namespace Convoy.Distributed.Backends.Reductions;

/// <summary>How elements lie in memory, and the type that they are combined in.</summary>
/// <typeparam name="TStored">An element in memory.</typeparam>
/// <typeparam name="TComputed">An element while it is combined.</typeparam>
internal unsafe interface IElementFormat<TStored, TComputed>
    where TStored : unmanaged
    where TComputed : unmanaged
{
    // Two vectors at a time: the additions of one wait while those of the other go on.

    /// <summary>Reads the two vectors' worth of elements at <paramref name="from"/>.</summary>
    static abstract (Vector<TComputed> First, Vector<TComputed> Second) Load(TStored* from);

    /// <summary>Rounds two vectors' worth of elements to what is stored; a narrow format leaves the second vector empty.</summary>
    static abstract (Vector<TStored> First, Vector<TStored> Second) ToStored(Vector<TComputed> first, Vector<TComputed> second);

    /// <summary>Writes what <see cref="ToStored"/> gave.</summary>
    static abstract void Store(Vector<TStored> first, Vector<TStored> second, TStored* to);

    /// <summary>Writes past the caches; <paramref name="to"/> is a multiple of a vector's bytes.</summary>
    static abstract void StoreNonTemporal(Vector<TStored> first, Vector<TStored> second, TStored* to);
}

/// <summary>Elements that are combined as they are.</summary>
internal readonly unsafe struct PlainFormat<T> : IElementFormat<T, T>
    where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<T> First, Vector<T> Second) Load(T* from) => (Vector.Load(from), Vector.Load(from + Vector<T>.Count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<T> First, Vector<T> Second) ToStored(Vector<T> first, Vector<T> second) => (first, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<T> first, Vector<T> second, T* to)
    {
        first.Store(to);
        second.Store(to + Vector<T>.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNonTemporal(Vector<T> first, Vector<T> second, T* to)
    {
        first.StoreAlignedNonTemporal(to);
        second.StoreAlignedNonTemporal(to + Vector<T>.Count);
    }
}

/// <summary>Truth values, a byte each. Any byte but 0 counts as true, as in C++; 1 is written.</summary>
internal readonly unsafe struct BooleanFormat : IElementFormat<byte, byte>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<byte> First, Vector<byte> Second) Load(byte* from) =>
        (Vector.Min(Vector.Load(from), Vector<byte>.One), Vector.Min(Vector.Load(from + Vector<byte>.Count), Vector<byte>.One));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<byte> First, Vector<byte> Second) ToStored(Vector<byte> first, Vector<byte> second) => (first, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<byte> first, Vector<byte> second, byte* to) => PlainFormat<byte>.Store(first, second, to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNonTemporal(Vector<byte> first, Vector<byte> second, byte* to) => PlainFormat<byte>.StoreNonTemporal(first, second, to);
}

/// <summary>bfloat16; combined in float32.</summary>
internal readonly unsafe struct BFloat16Format : IElementFormat<ushort, float>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<float> First, Vector<float> Second) Load(ushort* from)
    {
        BFloat16Conversion.Widen(Vector.Load(from), out Vector<float> first, out Vector<float> second);
        return (first, second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<ushort> First, Vector<ushort> Second) ToStored(Vector<float> first, Vector<float> second) => (BFloat16Conversion.Narrow(first, second), default);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<ushort> first, Vector<ushort> second, ushort* to) => first.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNonTemporal(Vector<ushort> first, Vector<ushort> second, ushort* to) => first.StoreAlignedNonTemporal(to);
}

/// <summary>float16; combined in float32.</summary>
internal readonly unsafe struct Float16Format : IElementFormat<ushort, float>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<float> First, Vector<float> Second) Load(ushort* from)
    {
        Float16Conversion.Widen(Vector.Load(from), out Vector<float> first, out Vector<float> second);
        return (first, second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<ushort> First, Vector<ushort> Second) ToStored(Vector<float> first, Vector<float> second) => (Float16Conversion.Narrow(first, second), default);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<ushort> first, Vector<ushort> second, ushort* to) => first.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNonTemporal(Vector<ushort> first, Vector<ushort> second, ushort* to) => first.StoreAlignedNonTemporal(to);
}
