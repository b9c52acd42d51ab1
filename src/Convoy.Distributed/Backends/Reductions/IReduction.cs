using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Distributed.Backends.Reductions;

/// <summary>How the elements of all ranks become one: combined one rank after the other, then finished once.</summary>
internal interface IReduction
{
    /// <summary>The elements so far with those of the next rank.</summary>
    static abstract Vector<T> Combine<T>(Vector<T> combined, Vector<T> next)
        where T : unmanaged, INumber<T>;

    /// <summary>The result, from the elements of all ranks combined.</summary>
    /// <param name="combined">The elements.</param>
    /// <param name="ranks">The number of ranks in every element.</param>
    /// <typeparam name="T">The type that is computed in.</typeparam>
    static virtual Vector<T> Finish<T>(Vector<T> combined, Vector<T> ranks)
        where T : unmanaged, INumber<T> => combined;
}

/// <summary>combined + next; integers wrap around, as in PyTorch.</summary>
internal readonly struct SumReduction : IReduction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Combine<T>(Vector<T> combined, Vector<T> next)
        where T : unmanaged, INumber<T> => combined + next;
}

/// <summary>The sum, divided by the number of ranks at the end.</summary>
internal readonly struct AverageReduction : IReduction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Combine<T>(Vector<T> combined, Vector<T> next)
        where T : unmanaged, INumber<T> => combined + next;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Finish<T>(Vector<T> combined, Vector<T> ranks)
        where T : unmanaged, INumber<T> => combined / ranks;
}

/// <summary>combined * next; integers wrap around, as in PyTorch.</summary>
internal readonly struct ProductReduction : IReduction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Combine<T>(Vector<T> combined, Vector<T> next)
        where T : unmanaged, INumber<T> => combined * next;
}

/// <summary>The lesser; NaN when one is NaN.</summary>
internal readonly struct MinReduction : IReduction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Combine<T>(Vector<T> combined, Vector<T> next)
        where T : unmanaged, INumber<T> => Vector.Min(combined, next);
}

/// <summary>The greater; NaN when one is NaN.</summary>
internal readonly struct MaxReduction : IReduction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Combine<T>(Vector<T> combined, Vector<T> next)
        where T : unmanaged, INumber<T> => Vector.Max(combined, next);
}

/// <summary>The bits that both have.</summary>
internal readonly struct AndReduction : IReduction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Combine<T>(Vector<T> combined, Vector<T> next)
        where T : unmanaged, INumber<T> => combined & next;
}

/// <summary>The bits that one has.</summary>
internal readonly struct OrReduction : IReduction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Combine<T>(Vector<T> combined, Vector<T> next)
        where T : unmanaged, INumber<T> => combined | next;
}

/// <summary>The bits that only one has.</summary>
internal readonly struct XorReduction : IReduction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Combine<T>(Vector<T> combined, Vector<T> next)
        where T : unmanaged, INumber<T> => combined ^ next;
}
