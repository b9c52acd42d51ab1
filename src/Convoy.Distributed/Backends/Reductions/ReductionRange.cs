namespace Convoy.Distributed.Backends.Reductions;

/// <summary>What a reduction reads and writes; see <see cref="Reduction.Run"/>.</summary>
internal readonly unsafe struct ReductionRange(byte** sources, int ranks, byte** destinations, int destinationCount, long count)
{
    public byte** Sources { get; } = sources;

    public int Ranks { get; } = ranks;

    public byte** Destinations { get; } = destinations;

    public int DestinationCount { get; } = destinationCount;

    public long Count { get; } = count;

    /// <summary>Whether every destination starts at a multiple of <paramref name="bytes"/> and is none of the sources.</summary>
    public bool WritesApart(int bytes)
    {
        for (int i = 0; i < DestinationCount; i++)
        {
            if ((nuint)Destinations[i] % (uint)bytes != 0)
            {
                return false;
            }

            for (int rank = 0; rank < Ranks; rank++)
            {
                if (Destinations[i] == Sources[rank])
                {
                    return false;
                }
            }
        }

        return true;
    }
}
