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

    /// <summary>Rounds two vectors' worth of elements to what is stored; a narrow format leaves the second vector empty.</summary>
    static abstract (Vector256<TStored> First, Vector256<TStored> Second) ToStored(Vector256<TComputed> first, Vector256<TComputed> second);

    /// <summary>Writes what <see cref="ToStored"/> gave.</summary>
    static abstract void Store(Vector256<TStored> first, Vector256<TStored> second, TStored* to);

    /// <summary>Writes past the caches; <paramref name="to"/> is a multiple of 32 bytes.</summary>
    static abstract void StoreNonTemporal(Vector256<TStored> first, Vector256<TStored> second, TStored* to);
}
