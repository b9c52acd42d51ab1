using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Convoy.Distributed.Backends.Reductions;

/// <summary>The sum, divided by the number of ranks at the end.</summary>
internal readonly struct AverageReduction : IReduction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Combine<T>(Vector256<T> combined, Vector256<T> next)
        where T : unmanaged, INumber<T> => combined + next;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Finish<T>(Vector256<T> combined, Vector256<T> ranks)
        where T : unmanaged, INumber<T> => combined / ranks;
}
