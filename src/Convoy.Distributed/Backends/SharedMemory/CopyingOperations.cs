using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>The collective operations that bring tensors elsewhere as they are.</summary>
internal sealed unsafe class CopyingOperations(SharedMemoryExchange exchange, RankNames names)
{
    private const long SliceAlignment = 128;

    private int Rank => exchange.Rank;

    private int Size => exchange.Size;

    // Where an area holds something for each rank.
    private long SliceBytes => ControlBlock.AreaBytes / Size / SliceAlignment * SliceAlignment;

    public void Broadcast(Operation operation, Tensor tensor, int root)
    {
        using DenseTensor dense = DenseTensor.From(tensor);
        exchange.Begin(operation);
        long offset = 0;
        do
        {
            long bytes = Math.Min(ControlBlock.AreaBytes, dense.Bytes - offset);
            if (Rank == root)
            {
                Copy(dense.Memory + offset, exchange.Area(root), bytes);
            }

            exchange.Meet();
            if (Rank != root)
            {
                Copy(exchange.Area(root), dense.Memory + offset, bytes);
            }

            exchange.NextRound();
            offset += bytes;
        }
        while (offset < dense.Bytes);

        if (Rank != root)
        {
            dense.CopyBack();
        }
    }

    /// <summary>Also for AllGather, where every rank has outputs: <paramref name="outputs"/> is empty but on ranks that get the inputs.</summary>
    public void Gather(Operation operation, IReadOnlyList<Tensor> outputs, Tensor input)
    {
        DenseTensor[] parts = DenseTensor.From(outputs);
        using DenseTensor own = DenseTensor.From(input);
        try
        {
            exchange.Begin(operation);
            long offset = 0;
            do
            {
                long bytes = Math.Min(ControlBlock.AreaBytes, own.Bytes - offset);
                Copy(own.Memory + offset, exchange.Area(Rank), bytes);
                exchange.Meet();
                for (int rank = 0; rank < parts.Length; rank++)
                {
                    Copy(exchange.Area(rank), parts[rank].Memory + offset, bytes);
                }

                exchange.NextRound();
                offset += bytes;
            }
            while (offset < own.Bytes);

            foreach (DenseTensor part in parts)
            {
                part.CopyBack();
            }
        }
        finally
        {
            Dispose(parts);
        }
    }

    /// <summary>From the root, where alone <paramref name="inputs"/> is not empty.</summary>
    public void Scatter(Operation operation, Tensor output, IReadOnlyList<Tensor> inputs, int root)
    {
        DenseTensor[] parts = DenseTensor.From(inputs);
        using DenseTensor whole = DenseTensor.From(output);
        try
        {
            exchange.Begin(operation);
            long offset = 0;
            do
            {
                // The root writes into everybody's area.
                long bytes = Math.Min(ControlBlock.AreaBytes, whole.Bytes - offset);
                for (int rank = 0; rank < parts.Length; rank++)
                {
                    Copy(parts[rank].Memory + offset, exchange.Area(rank), bytes);
                }

                exchange.Meet();
                Copy(exchange.Area(Rank), whole.Memory + offset, bytes);
                exchange.NextRound();
                offset += bytes;
            }
            while (offset < whole.Bytes);

            whole.CopyBack();
        }
        finally
        {
            Dispose(parts);
        }
    }

    public void AllToAll(Operation operation, IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> inputs)
    {
        DenseTensor[] given = DenseTensor.From(inputs), taken = DenseTensor.From(outputs);
        try
        {
            exchange.Begin(operation);
            long most = AgreeOnSizes(given, taken, inputs[0].element_size());
            long slice = SliceBytes;
            for (long offset = 0; offset < most; offset += slice)
            {
                for (int rank = 0; rank < Size; rank++)
                {
                    CopyPiece(given[rank].Memory, offset, exchange.Area(Rank) + (rank * slice), 0, given[rank].Bytes - offset, slice);
                }

                exchange.Meet();
                for (int rank = 0; rank < Size; rank++)
                {
                    CopyPiece(exchange.Area(rank) + (Rank * slice), 0, taken[rank].Memory, offset, taken[rank].Bytes - offset, slice);
                }

                exchange.NextRound();
            }

            foreach (DenseTensor tensor in taken)
            {
                tensor.CopyBack();
            }
        }
        finally
        {
            Dispose(given);
            Dispose(taken);
        }
    }

    private static void Copy(byte* from, byte* to, long bytes) => Buffer.MemoryCopy(from, to, bytes, bytes);

    private static void CopyPiece(byte* from, long fromOffset, byte* to, long toOffset, long left, long most)
    {
        if (left > 0)
        {
            Copy(from + fromOffset, to + toOffset, Math.Min(left, most));
        }
    }

    private static void Dispose(DenseTensor[] tensors)
    {
        foreach (DenseTensor tensor in tensors)
        {
            tensor.Dispose();
        }
    }

    /// <summary>Compares what all ranks give with what all expect; gives the most bytes between two ranks.</summary>
    private long AgreeOnSizes(DenseTensor[] given, DenseTensor[] taken, long elementSize)
    {
        long* sizes = (long*)exchange.Area(Rank);
        for (int rank = 0; rank < Size; rank++)
        {
            sizes[rank] = given[rank].Bytes;
            sizes[Size + rank] = taken[rank].Bytes;
        }

        exchange.Meet();
        long most = 0;
        for (int source = 0; source < Size; source++)
        {
            for (int destination = 0; destination < Size; destination++)
            {
                long gives = ((long*)exchange.Area(source))[destination], expects = ((long*)exchange.Area(destination))[Size + source];
                if (gives != expects)
                {
                    throw CollectiveMismatchException.OfAllToAll(names[source], names[destination], gives / elementSize, expects / elementSize);
                }

                most = Math.Max(most, gives);
            }
        }

        exchange.NextRound();
        return most;
    }
}
