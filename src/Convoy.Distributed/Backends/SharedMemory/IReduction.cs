using System.Numerics;
using System.Runtime.Intrinsics;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>How two ranks' elements become one.</summary>
internal interface IReduction
{
    static abstract T Combine<T>(T a, T b)
        where T : unmanaged, INumber<T>;

    static abstract Vector256<T> Combine<T>(Vector256<T> a, Vector256<T> b)
        where T : unmanaged, INumber<T>;

    static abstract Vector512<T> Combine<T>(Vector512<T> a, Vector512<T> b)
        where T : unmanaged, INumber<T>;
}
