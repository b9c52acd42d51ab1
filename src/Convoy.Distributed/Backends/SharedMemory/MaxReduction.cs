using System.Numerics;
using System.Runtime.Intrinsics;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>The greater; NaN when one is NaN.</summary>
internal readonly struct MaxReduction : IReduction
{
    public static T Combine<T>(T a, T b)
        where T : unmanaged, INumber<T> => T.Max(a, b);

    public static Vector256<T> Combine<T>(Vector256<T> a, Vector256<T> b)
        where T : unmanaged, INumber<T> => Vector256.Max(a, b);

    public static Vector512<T> Combine<T>(Vector512<T> a, Vector512<T> b)
        where T : unmanaged, INumber<T> => Vector512.Max(a, b);
}
