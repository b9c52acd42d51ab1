using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>The collective operations that bring tensors elsewhere as they are.</summary>
internal sealed unsafe class MpiCopyingOperations(MpiExchange exchange, SlicedTransfer sliced, MpiTensors tensors, RequestSet messages)
{
    private int Rank => exchange.Rank;

    private int Size => exchange.Size;

    public void Broadcast(Operation operation, Tensor tensor, int root)
    {
        DenseTensor dense = tensors.Open(tensor);
        if (dense.Bytes <= exchange.InlineBytes)
        {
            Copy(dense.Memory, exchange.Outgoing(Rank), dense.Bytes);
            exchange.Meet(operation, Rank == root ? dense.Bytes : 0, Recipients.All);
            if (Rank != root)
            {
                Copy(exchange.Incoming(root), dense.Memory, dense.Bytes);
            }
        }
        else
        {
            // The root gives each rank a slice, which the ranks give each other: it sends its tensor twice at most, and not to each rank.
            exchange.Meet(operation);
            sliced.Run(new WholeTensorCall(dense.Memory, dense.Bytes, Size, giver: root, taker: null) { Result = dense.Memory + new Parts(dense.Bytes, 1, Size).Start(Rank) });
        }

        if (Rank != root)
        {
            dense.CopyBack();
        }

        tensors.Close();
    }

    /// <summary>Also for AllGather, where every rank has outputs.</summary>
    /// <param name="operation">The call.</param>
    /// <param name="outputs">Empty but on ranks that get the inputs.</param>
    /// <param name="input">What this rank gives.</param>
    /// <param name="root">The only rank that gets them; null: all do.</param>
    public void Gather(Operation operation, IReadOnlyList<Tensor> outputs, Tensor input, int? root)
    {
        DenseTensor[] parts = tensors.Open(outputs);
        DenseTensor own = tensors.Open(input);
        bool isInline = own.Bytes <= exchange.InlineBytes;
        if (isInline)
        {
            Copy(own.Memory, exchange.Outgoing(Rank), own.Bytes);
        }

        exchange.Meet(operation, isInline ? own.Bytes : 0, root is null ? Recipients.All : Recipients.One, root ?? -1);
        for (int rank = 0; rank < parts.Length; rank++)
        {
            if (rank == Rank)
            {
                Copy(own.Memory, parts[rank].Memory, own.Bytes);
            }
            else if (isInline)
            {
                Copy(exchange.Incoming(rank), parts[rank].Memory, own.Bytes);
            }
            else
            {
                messages.Receive(parts[rank].Memory, own.Bytes, rank, MpiExchange.DataTag);
            }
        }

        for (int i = 1; !isInline && i < Size; i++)
        {
            int other = (Rank + i) % Size;
            if (root is null || root == other)
            {
                messages.Send(own.Memory, own.Bytes, other, MpiExchange.DataTag);
            }
        }

        exchange.Await(messages);
        foreach (DenseTensor part in parts)
        {
            part.CopyBack();
        }

        tensors.Close();
    }

    /// <summary>From the root, where alone <paramref name="inputs"/> is not empty.</summary>
    public void Scatter(Operation operation, Tensor output, IReadOnlyList<Tensor> inputs, int root)
    {
        DenseTensor[] parts = tensors.Open(inputs);
        DenseTensor whole = tensors.Open(output);
        bool isInline = whole.Bytes <= exchange.InlineBytes;
        for (int rank = 0; isInline && rank < parts.Length; rank++)
        {
            Copy(parts[rank].Memory, exchange.Outgoing(rank), whole.Bytes);
        }

        exchange.Meet(operation, isInline ? whole.Bytes : 0, Rank == root ? Recipients.EachItsOwn : Recipients.None);
        if (Rank != root)
        {
            if (isInline)
            {
                Copy(exchange.Incoming(root), whole.Memory, whole.Bytes);
            }
            else
            {
                messages.Receive(whole.Memory, whole.Bytes, root, MpiExchange.DataTag);
            }
        }
        else
        {
            for (int i = 1; !isInline && i < Size; i++)
            {
                int other = (Rank + i) % Size;
                messages.Send(parts[other].Memory, whole.Bytes, other, MpiExchange.DataTag);
            }

            Copy(parts[root].Memory, whole.Memory, whole.Bytes);
        }

        exchange.Await(messages);
        whole.CopyBack();
        tensors.Close();
    }

    public void AllToAll(Operation operation, IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> inputs)
    {
        DenseTensor[] given = tensors.Open(inputs), taken = tensors.Open(outputs);
        AgreeOnSizes(operation, given, taken, inputs[0].element_size());
        Copy(given[Rank].Memory, taken[Rank].Memory, given[Rank].Bytes);
        for (int other = 0; other < Size; other++)
        {
            if (other != Rank && taken[other].Bytes > 0)
            {
                messages.Receive(taken[other].Memory, taken[other].Bytes, other, MpiExchange.DataTag);
            }
        }

        for (int i = 1; i < Size; i++)
        {
            int other = (Rank + i) % Size;
            if (given[other].Bytes > 0)
            {
                messages.Send(given[other].Memory, given[other].Bytes, other, MpiExchange.DataTag);
            }
        }

        exchange.Await(messages);
        foreach (DenseTensor tensor in taken)
        {
            tensor.CopyBack();
        }

        tensors.Close();
    }

    private static void Copy(byte* from, byte* to, long bytes) => Buffer.MemoryCopy(from, to, bytes, bytes);

    /// <summary>Compares what all ranks give with what all expect, so that also ranks that it does not concern say so.</summary>
    private void AgreeOnSizes(Operation operation, DenseTensor[] given, DenseTensor[] taken, long elementSize)
    {
        long* own = (long*)exchange.Outgoing(Rank);
        for (int rank = 0; rank < Size; rank++)
        {
            own[rank] = given[rank].Bytes;
            own[Size + rank] = taken[rank].Bytes;
        }

        exchange.Meet(operation, 2L * Size * sizeof(long), Recipients.All);
        for (int source = 0; source < Size; source++)
        {
            for (int destination = 0; destination < Size; destination++)
            {
                long gives = Sizes(source)[destination], expects = Sizes(destination)[Size + source];
                if (gives != expects)
                {
                    throw CollectiveMismatchException.OfAllToAll(exchange.Peers.Names[source], exchange.Peers.Names[destination], gives / elementSize, expects / elementSize);
                }
            }
        }
    }

    private long* Sizes(int rank) => (long*)(rank == Rank ? exchange.Outgoing(rank) : exchange.Incoming(rank));
}
