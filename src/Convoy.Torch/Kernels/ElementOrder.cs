namespace Convoy.Torch.Kernels;

/// <summary>
/// The order in which a row of elements lies in registers, pair of vectors after pair of vectors, where <see cref="ILaneElements{T, TLanes}.Alternate"/> parts even from odd elements.
/// Constants of a row are brought into it once, and sums out of it, so that elements need not change their places. What does not fill a pair stays as it is.
/// </summary>
/// <param name="pair">Elements of a pair of vectors, a power of 2; 1 where the order is memory's.</param>
internal readonly struct ElementOrder(int pair)
{
    /// <summary>The order in which <typeparamref name="TElements"/> reads.</summary>
    public static ElementOrder Of<T, TLanes, TElements>()
        where T : unmanaged
        where TLanes : unmanaged, ILanes<T, TLanes>
        where TElements : ILaneElements<T, TLanes> => new(TElements.Alternate ? 2 * TLanes.Count : 1);

    /// <summary>Where the element lies that memory has at <paramref name="index"/> of a row of <paramref name="length"/>.</summary>
    public int Place(int index, int length)
    {
        int within = index & (pair - 1), start = index - within;
        return pair == 1 || start + pair > length ? index : start + (within >> 1) + ((within & 1) * (pair >> 1));
    }
}
