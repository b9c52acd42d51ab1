using System.Numerics;
using System.Runtime.Intrinsics;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>a + b; integers wrap around, as in PyTorch.</summary>
internal readonly struct SumReduction : IReduction
{
    public static T Combine<T>(T a, T b)
        where T : unmanaged, INumber<T> => unchecked(a + b);

    public static Vector256<T> Combine<T>(Vector256<T> a, Vector256<T> b)
        where T : unmanaged, INumber<T> => a + b;

    public static Vector512<T> Combine<T>(Vector512<T> a, Vector512<T> b)
        where T : unmanaged, INumber<T> => a + b;
}
