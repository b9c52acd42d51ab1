using Convoy.Distributed.Backends.Reductions;
using Convoy.Torch.Interop;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// What the ranks of one host do of an operation of several hosts: before the hosts exchange, each lane gets a slice of the data combined over the host; afterwards, all get all lanes' slices.
/// A lane is one of the first ranks of a host; its slice lies in its own region of a buffer, from where it travels to the lanes of the same number on other hosts.
/// </summary>
internal sealed unsafe class LaneOperations(SharedMemoryExchange exchange)
{
    private int Rank => exchange.Rank;

    private int Size => exchange.Size;

    /// <summary>Returns when all ranks of the host have begun the operation.</summary>
    /// <param name="operation">What this rank was asked for.</param>
    /// <param name="more">See <see cref="SharedMemoryExchange.Meet"/>.</param>
    public void Meet(Operation operation, TimeSpan more = default)
    {
        exchange.Begin(operation);
        exchange.Meet(more);
    }

    /// <summary>Combines what the ranks have in their regions; each lane's slice ends up in its region.</summary>
    /// <param name="operation">What this rank was asked for.</param>
    /// <param name="memory">Where the elements lie.</param>
    /// <param name="slices">How they are split.</param>
    /// <param name="reduction">How they are combined.</param>
    public void Combine(Operation operation, in LaneMemory memory, in LaneSlices slices, in LaneReduction reduction)
    {
        exchange.Begin(operation, memory.Buffer.Number, memory.Offset);
        exchange.Meet();
        byte** sources = stackalloc byte*[Size];

        // With as many lanes as ranks each does its own slice. Small ones are not worth a second meeting.
        if (slices.Lanes == Size || slices.Bytes <= ReducingOperations.SmallBytes)
        {
            if (Rank < slices.Lanes)
            {
                Combine(memory, slices, reduction, Rank, 0, slices.Count(Rank), sources);
            }

            return;
        }

        for (int lane = 0; lane < slices.Lanes; lane++)
        {
            var parts = new Parts(slices.Count(lane), slices.ElementSize, Size);
            Combine(memory, slices, reduction, lane, parts.Start(Rank), parts.Count(Rank), sources);
        }

        exchange.Meet();
    }

    /// <summary>Rank <paramref name="root"/> puts each lane's slice into that lane's region; -1: no rank of this host has the data.</summary>
    /// <param name="operation">What this rank was asked for.</param>
    /// <param name="memory">Where the elements go.</param>
    /// <param name="slices">How they are split.</param>
    /// <param name="root">The rank.</param>
    /// <param name="source">On that rank: where they are.</param>
    public void Place(Operation operation, in LaneMemory memory, in LaneSlices slices, int root, byte* source)
    {
        for (int lane = 0; Rank == root && lane < slices.Lanes; lane++)
        {
            Copy(source + slices.Offset(lane), memory.At(lane) + slices.Offset(lane), slices.ByteCount(lane));
        }

        exchange.Begin(operation, memory.Buffer.Number, memory.Offset);
        exchange.Meet();
    }

    /// <summary>Each lane writes its slice into the regions of all ranks; returns when all have.</summary>
    /// <param name="operation">What this rank was asked for.</param>
    /// <param name="memory">Where the elements lie.</param>
    /// <param name="slices">How they are split.</param>
    /// <param name="reduction">By what to divide them, if at all.</param>
    /// <param name="more">See <see cref="SharedMemoryExchange.Meet"/>.</param>
    public void Share(Operation operation, in LaneMemory memory, in LaneSlices slices, in LaneReduction reduction, TimeSpan more)
    {
        if (Rank < slices.Lanes)
        {
            byte** regions = stackalloc byte*[Size];
            for (int rank = 0; rank < Size; rank++)
            {
                regions[rank] = memory.At(rank) + slices.Offset(Rank);
            }

            byte* own = regions[Rank];
            Reduction.Run(&own, 1, regions, Size, slices.Count(Rank), reduction.Type, reduction.Op, reduction.Divisor);
        }

        exchange.Begin(operation, memory.Buffer.Number, memory.Offset);
        exchange.Meet(more);
    }

    /// <summary>Each rank copies all lanes' slices into its own memory, where it wants them. The regions are free again when all ranks have met twice more.</summary>
    /// <param name="operation">What this rank was asked for.</param>
    /// <param name="memory">Where the elements lie.</param>
    /// <param name="slices">How they are split.</param>
    /// <param name="reduction">By what to divide them, if at all.</param>
    /// <param name="target">Where they go; null: nowhere.</param>
    /// <param name="more">See <see cref="SharedMemoryExchange.Meet"/>.</param>
    public void Collect(Operation operation, in LaneMemory memory, in LaneSlices slices, in LaneReduction reduction, byte* target, TimeSpan more)
    {
        exchange.Begin(operation, memory.Buffer.Number, memory.Offset);
        exchange.Meet(more);
        for (int lane = 0; target is not null && lane < slices.Lanes; lane++)
        {
            byte* from = memory.At(lane) + slices.Offset(lane), to = target + slices.Offset(lane);
            if (reduction.Op == ReduceOp.Average)
            {
                Reduction.Run(&from, 1, &to, 1, slices.Count(lane), reduction.Type, reduction.Op, reduction.Divisor);
            }
            else
            {
                Copy(from, to, slices.ByteCount(lane));
            }
        }
    }

    private static void Copy(byte* from, byte* to, long bytes) => Buffer.MemoryCopy(from, to, bytes, bytes);

    // A stretch of a lane's slice, into the lane's region.
    private void Combine(in LaneMemory memory, in LaneSlices slices, in LaneReduction reduction, int lane, long start, long count, byte** sources)
    {
        long offset = slices.Offset(lane) + (start * slices.ElementSize);
        for (int rank = 0; rank < Size; rank++)
        {
            sources[rank] = memory.At(rank) + offset;
        }

        byte* destination = sources[lane];
        Reduction.Run(sources, Size, &destination, 1, count, reduction.Type, reduction.Op, reduction.Divisor);
    }
}

/// <summary>Where elements lie in the regions of a host's ranks, at the same place in each.</summary>
/// <param name="Buffer">In which buffer.</param>
/// <param name="Offset">Where in each rank's region, in bytes.</param>
internal readonly unsafe record struct LaneMemory(SharedBuffer Buffer, long Offset)
{
    /// <summary>The place in a rank's region.</summary>
    public byte* At(int rank) => Buffer.Region(rank) + Offset;

    /// <summary>A tensor over a lane's slice in the lane's region; the caller's. No other may begin there.</summary>
    public Tensor Slice(int lane, in LaneSlices slices, ScalarType type)
    {
        Buffer.Segment.AddUser();
        return TensorMemory.Wrap(At(lane) + slices.Offset(lane), slices.Count(lane), type, Buffer.Segment.Release).DetachFromDisposeScope();
    }
}

/// <summary>Elements in slices, one for each lane: the same on all hosts.</summary>
/// <param name="count">How many elements there are.</param>
/// <param name="elementSize">The size of one in bytes.</param>
/// <param name="lanes">How many lanes, at least 1.</param>
internal readonly struct LaneSlices(long count, long elementSize, int lanes)
{
    private readonly Parts _parts = new(count, elementSize, lanes);

    /// <summary>How many lanes there are.</summary>
    public int Lanes => lanes;

    /// <summary>The size of an element in bytes.</summary>
    public long ElementSize => elementSize;

    /// <summary>The size of all elements in bytes.</summary>
    public long Bytes => count * elementSize;

    /// <summary>The first element of a lane's slice.</summary>
    public long Start(int lane) => _parts.Start(lane);

    /// <summary>Where a lane's slice begins, in bytes.</summary>
    public long Offset(int lane) => _parts.Start(lane) * elementSize;

    /// <summary>How many elements it has.</summary>
    public long Count(int lane) => _parts.Count(lane);

    /// <summary>How many bytes it has.</summary>
    public long ByteCount(int lane) => Count(lane) * elementSize;
}

/// <summary>What to do with elements.</summary>
/// <param name="Type">Their type.</param>
/// <param name="Op">How to combine them; <see cref="ReduceOp.Average"/> divides, also one alone.</param>
/// <param name="Divisor">By what it divides.</param>
internal readonly record struct LaneReduction(ScalarType Type, ReduceOp Op, int Divisor);
