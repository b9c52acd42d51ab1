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

/// <summary>The lesser; NaN when one is NaN.</summary>
internal readonly struct MinReduction : IReduction
{
    public static T Combine<T>(T a, T b)
        where T : unmanaged, INumber<T> => T.Min(a, b);

    public static Vector256<T> Combine<T>(Vector256<T> a, Vector256<T> b)
        where T : unmanaged, INumber<T> => Vector256.Min(a, b);

    public static Vector512<T> Combine<T>(Vector512<T> a, Vector512<T> b)
        where T : unmanaged, INumber<T> => Vector512.Min(a, b);
}

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
