using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Convoy.Distributed.Backends.Reductions;

/// <summary>combined * next; integers wrap around, as in PyTorch.</summary>
internal readonly struct ProductReduction : IReduction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Combine<T>(Vector256<T> combined, Vector256<T> next)
        where T : unmanaged, INumber<T> => combined * next;
}
