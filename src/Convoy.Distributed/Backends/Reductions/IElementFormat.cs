using System.Runtime.Intrinsics;

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
    static abstract (Vector256<TComputed> First, Vector256<TComputed> Second) Load(TStored* from);

    /// <summary>Writes two vectors' worth of elements.</summary>
    static abstract void Store(Vector256<TComputed> first, Vector256<TComputed> second, TStored* to);

    /// <summary>Writes past the caches; <paramref name="to"/> is a multiple of 32 bytes.</summary>
    static abstract void StoreNonTemporal(Vector256<TComputed> first, Vector256<TComputed> second, TStored* to);
}
