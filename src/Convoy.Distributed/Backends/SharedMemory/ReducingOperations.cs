using Convoy.Distributed.Backends.Reductions;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// The collective operations that combine tensors. Small ones, and those of two ranks, are combined by every rank for itself:
/// one meeting. Of large ones each rank combines its part for all, which reads less. Elements are combined in the order of the
/// ranks either way, so the result is bitwise the same.
/// </summary>
internal sealed unsafe class ReducingOperations(SharedMemoryExchange exchange, SharedBuffers buffers)
{
    // Up to this size a second meeting costs more than reading every rank's elements.
    public const long SmallBytes = 32 << 10;

    private int Rank => exchange.Rank;

    private int Size => exchange.Size;

    public void AllReduce(Operation operation, Tensor tensor, ReduceOp op)
    {
        using DenseTensor dense = DenseTensor.From(tensor);
        SharedBuffer? buffer = tensor.is_contiguous() ? buffers.Find(dense.Memory) : null;
        long offset = buffer?.OffsetOf(dense.Memory) ?? SharedOperation.None;
        exchange.Begin(operation, buffer?.Number ?? SharedOperation.None, offset);
        if (buffer is not null && dense.Bytes > SmallBytes)
        {
            ReduceInPlace(buffer, offset, tensor.numel(), tensor.dtype, op, tensor.element_size());
        }
        else if (Size == 2 || dense.Bytes <= SmallBytes)
        {
            ReduceForItself(dense, tensor.dtype, op, tensor.element_size(), isResultNeeded: true);
        }
        else
        {
            ReduceForAll(dense, tensor.dtype, op, tensor.element_size(), 0, Size);
        }

        dense.CopyBack();
    }

    public void Reduce(Operation operation, Tensor tensor, int root, ReduceOp op)
    {
        using DenseTensor dense = DenseTensor.From(tensor);
        exchange.Begin(operation);
        if (Size == 2 || dense.Bytes <= SmallBytes)
        {
            ReduceForItself(dense, tensor.dtype, op, tensor.element_size(), isResultNeeded: Rank == root);
        }
        else
        {
            ReduceForAll(dense, tensor.dtype, op, tensor.element_size(), root, 1);
        }

        if (Rank == root)
        {
            dense.CopyBack();
        }
    }

    public void ReduceScatter(Operation operation, Tensor output, IReadOnlyList<Tensor> inputs, ReduceOp op)
    {
        DenseTensor[] given = DenseTensor.From(inputs);
        using DenseTensor result = DenseTensor.From(output);
        try
        {
            exchange.Begin(operation);
            long slice = ControlBlock.AreaBytes / Size / Parts.LineBytes * Parts.LineBytes, offset = 0;
            byte** sources = stackalloc byte*[Size];
            do
            {
                // Each area holds a slice for each rank.
                long bytes = Math.Min(slice, result.Bytes - offset);
                for (int rank = 0; rank < Size; rank++)
                {
                    Copy(given[rank].Memory + offset, exchange.Area(Rank) + (rank * slice), bytes);
                }

                exchange.Meet();
                for (int rank = 0; rank < Size; rank++)
                {
                    sources[rank] = exchange.Area(rank) + (Rank * slice);
                }

                byte* destination = result.Memory + offset;
                Reduction.Run(sources, Size, &destination, 1, bytes / output.element_size(), output.dtype, op);
                exchange.NextRound();
                offset += bytes;
            }
            while (offset < result.Bytes);

            result.CopyBack();
        }
        finally
        {
            foreach (DenseTensor tensor in given)
            {
                tensor.Dispose();
            }
        }
    }

    private static void Copy(byte* from, byte* to, long bytes) => Buffer.MemoryCopy(from, to, bytes, bytes);

    private void ReduceInPlace(SharedBuffer buffer, long offset, long count, ScalarType dtype, ReduceOp op, long elementSize)
    {
        exchange.Meet();
        byte** parts = stackalloc byte*[Size];
        var split = new Parts(count, elementSize, Size);
        for (int rank = 0; rank < Size; rank++)
        {
            parts[rank] = buffer.Region(rank) + offset + (split.Start(Rank) * elementSize);
        }

        Reduction.Run(parts, Size, parts, Size, split.Count(Rank), dtype, op);
        exchange.Meet();
    }

    private void ReduceForItself(in DenseTensor dense, ScalarType dtype, ReduceOp op, long elementSize, bool isResultNeeded)
    {
        byte** sources = stackalloc byte*[Size];
        long offset = 0;
        do
        {
            long bytes = Math.Min(ControlBlock.AreaBytes, dense.Bytes - offset);
            byte* own = dense.Memory + offset;
            Copy(own, exchange.Area(Rank), bytes);
            exchange.Meet();
            if (isResultNeeded)
            {
                for (int rank = 0; rank < Size; rank++)
                {
                    sources[rank] = rank == Rank ? own : exchange.Area(rank);
                }

                Reduction.Run(sources, Size, &own, 1, bytes / elementSize, dtype, op);
            }

            exchange.NextRound();
            offset += bytes;
        }
        while (offset < dense.Bytes);
    }

    /// <summary>Each rank combines its part of a piece, for the ranks from <paramref name="firstReceiver"/> on. The next piece is brought in meanwhile: one meeting for each.</summary>
    private void ReduceForAll(in DenseTensor dense, ScalarType dtype, ReduceOp op, long elementSize, int firstReceiver, int receivers)
    {
        byte** sources = stackalloc byte*[Size];
        byte** destinations = stackalloc byte*[receivers];
        long bytes = Math.Min(ControlBlock.AreaBytes, dense.Bytes);
        Copy(dense.Memory, exchange.Area(Rank), bytes);
        exchange.Meet();
        for (long offset = 0; offset < dense.Bytes;)
        {
            var split = new Parts(bytes / elementSize, elementSize, Size);
            for (int rank = 0; rank < Size; rank++)
            {
                sources[rank] = exchange.Area(rank) + (split.Start(Rank) * elementSize);
            }

            for (int i = 0; i < receivers; i++)
            {
                destinations[i] = sources[firstReceiver + i];
            }

            Reduction.Run(sources, Size, destinations, receivers, split.Count(Rank), dtype, op);
            long next = offset + bytes, nextBytes = Math.Min(ControlBlock.AreaBytes, dense.Bytes - next);
            Copy(dense.Memory + next, exchange.Area(Rank, next: true), nextBytes);
            exchange.Meet();
            if (Rank >= firstReceiver && Rank < firstReceiver + receivers)
            {
                Copy(exchange.Area(Rank), dense.Memory + offset, bytes);
            }

            exchange.NextRound();
            (offset, bytes) = (next, nextBytes);
        }
    }
}
