using System.Numerics;
using System.Runtime.Intrinsics;

namespace Convoy.Distributed.Backends.Reductions;

/// <summary>How the elements of all ranks become one: combined one rank after the other, then finished once.</summary>
internal interface IReduction
{
    /// <summary>The elements so far with those of the next rank.</summary>
    static abstract Vector256<T> Combine<T>(Vector256<T> combined, Vector256<T> next)
        where T : unmanaged, INumber<T>;

    /// <summary>The result, from the elements of all ranks combined.</summary>
    /// <param name="combined">The elements.</param>
    /// <param name="ranks">The number of ranks in every element.</param>
    /// <typeparam name="T">The type that is computed in.</typeparam>
    static virtual Vector256<T> Finish<T>(Vector256<T> combined, Vector256<T> ranks)
        where T : unmanaged, INumber<T> => combined;
}
