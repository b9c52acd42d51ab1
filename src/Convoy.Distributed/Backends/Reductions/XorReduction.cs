using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Convoy.Distributed.Backends.Reductions;

/// <summary>The bits that only one has.</summary>
internal readonly struct XorReduction : IReduction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Combine<T>(Vector256<T> combined, Vector256<T> next)
        where T : unmanaged, INumber<T> => combined ^ next;
}
