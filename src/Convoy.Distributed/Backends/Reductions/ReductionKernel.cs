using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Distributed.Backends.Reductions;

/// <summary>The loop over a range's elements, compiled for each element format and reduction by itself.</summary>
/// <remarks>With 256-bit vectors one core already waits for memory in float32.</remarks>
internal static unsafe class ReductionKernel<TStored, TComputed, TFormat, TReduction>
    where TStored : unmanaged
    where TComputed : unmanaged, INumber<TComputed>
    where TFormat : IElementFormat<TStored, TComputed>
    where TReduction : IReduction
{
    // Results that nobody finds in a cache anyway are better written around it: that saves reading the memory they replace.
    private const long NonTemporalBytes = 4L << 20;

    private static int Block => 2 * Vector<TComputed>.Count;

    // Without this attribute the first calls would run unoptimised, tens of times slower.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in ReductionRange range)
    {
        long blocks = range.Count / Block * Block;
        bool around = range.Count * range.DestinationCount * sizeof(TStored) >= NonTemporalBytes && range.WritesApart(Vector<byte>.Count);
        if (around)
        {
            RunBlocks<PastCaches>(range, blocks);

            // Such stores may arrive after later ones; whoever is told that the result is there must find it.
            Interlocked.MemoryBarrier();
        }
        else if (range.Ranks == 2 && range.DestinationCount == 2)
        {
            RunPair(range, blocks);
        }
        else
        {
            RunBlocks<ThroughCaches>(range, blocks);
        }

        if (blocks < range.Count)
        {
            RunRest(range, blocks, (int)(range.Count - blocks));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunBlocks<TRoute>(in ReductionRange range, long count)
        where TRoute : IStoreRoute
    {
        var sources = (TStored**)range.Sources;
        var destinations = (TStored**)range.Destinations;
        int ranks = range.Ranks, destinationCount = range.DestinationCount;
        Vector<TComputed> divisor = new Vector<TComputed>(TComputed.CreateTruncating(range.Divisor));
        for (long i = 0; i < count; i += Block)
        {
            (Vector<TComputed> a, Vector<TComputed> b) = TFormat.Load(sources[0] + i);
            for (int rank = 1; rank < ranks; rank++)
            {
                (Vector<TComputed> nextA, Vector<TComputed> nextB) = TFormat.Load(sources[rank] + i);
                a = TReduction.Combine(a, nextA);
                b = TReduction.Combine(b, nextB);
            }

            (Vector<TStored> first, Vector<TStored> second) = TFormat.ToStored(TReduction.Finish(a, divisor), TReduction.Finish(b, divisor));
            for (int destination = 0; destination < destinationCount; destination++)
            {
                if (TRoute.AvoidsCaches)
                {
                    TFormat.StoreNonTemporal(first, second, destinations[destination] + i);
                }
                else
                {
                    TFormat.Store(first, second, destinations[destination] + i);
                }
            }
        }
    }

    /// <summary>Two ranks that both get the result: the usual case, with the addresses in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunPair(in ReductionRange range, long count)
    {
        TStored* from = (TStored*)range.Sources[0], alsoFrom = (TStored*)range.Sources[1];
        TStored* to = (TStored*)range.Destinations[0], alsoTo = (TStored*)range.Destinations[1];
        Vector<TComputed> divisor = new Vector<TComputed>(TComputed.CreateTruncating(range.Divisor));
        for (long i = 0; i < count; i += Block)
        {
            (Vector<TComputed> a, Vector<TComputed> b) = TFormat.Load(from + i);
            (Vector<TComputed> nextA, Vector<TComputed> nextB) = TFormat.Load(alsoFrom + i);
            (Vector<TStored> first, Vector<TStored> second) = TFormat.ToStored(
                TReduction.Finish(TReduction.Combine(a, nextA), divisor), TReduction.Finish(TReduction.Combine(b, nextB), divisor));
            TFormat.Store(first, second, to + i);
            TFormat.Store(first, second, alsoTo + i);
        }
    }

    /// <summary>Fewer elements than a block: through a block on the stack, so that they are computed like all others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunRest(in ReductionRange range, long start, int count)
    {
        long bytes = (long)count * sizeof(TStored);
        TStored* block = stackalloc TStored[Block];
        new Span<TStored>(block, Block).Clear();
        Vector<TComputed> a = default, b = default;
        for (int rank = 0; rank < range.Ranks; rank++)
        {
            Buffer.MemoryCopy((TStored*)range.Sources[rank] + start, block, bytes, bytes);
            (Vector<TComputed> nextA, Vector<TComputed> nextB) = TFormat.Load(block);
            (a, b) = rank == 0 ? (nextA, nextB) : (TReduction.Combine(a, nextA), TReduction.Combine(b, nextB));
        }

        Vector<TComputed> divisor = new Vector<TComputed>(TComputed.CreateTruncating(range.Divisor));
        (Vector<TStored> first, Vector<TStored> second) = TFormat.ToStored(TReduction.Finish(a, divisor), TReduction.Finish(b, divisor));
        TFormat.Store(first, second, block);
        for (int destination = 0; destination < range.DestinationCount; destination++)
        {
            Buffer.MemoryCopy(block, (TStored*)range.Destinations[destination] + start, bytes, bytes);
        }
    }

    /// <summary>How results get to memory; a type, so that the loop is compiled for each way without a question in it.</summary>
    private interface IStoreRoute
    {
        static abstract bool AvoidsCaches { get; }
    }

    private readonly struct ThroughCaches : IStoreRoute
    {
        public static bool AvoidsCaches => false;
    }

    private readonly struct PastCaches : IStoreRoute
    {
        public static bool AvoidsCaches => true;
    }
}
