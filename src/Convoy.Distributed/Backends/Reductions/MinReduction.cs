using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Convoy.Distributed.Backends.Reductions;

/// <summary>The lesser; NaN when one is NaN.</summary>
internal readonly struct MinReduction : IReduction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Combine<T>(Vector256<T> combined, Vector256<T> next)
        where T : unmanaged, INumber<T> => Vector256.Min(combined, next);
}
