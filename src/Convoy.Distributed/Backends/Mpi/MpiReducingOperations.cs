using Convoy.Distributed.Backends.Reductions;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>
/// The collective operations that combine tensors. They do not use MPI's: those leave the order of addition open and know neither float16 and bfloat16 nor what NaN or truth values are to
/// give. Here the result is that of shared memory, bit by bit.
/// </summary>
internal sealed unsafe class MpiReducingOperations(MpiExchange exchange, SlicedTransfer sliced, MpiTensors tensors)
{
    private int Rank => exchange.Rank;

    private int Size => exchange.Size;

    public void AllReduce(Operation operation, Tensor tensor, ReduceOp op) => Reduce(operation, tensor, op, taker: null);

    /// <param name="operation">The call.</param>
    /// <param name="tensor">This rank's tensor.</param>
    /// <param name="op">How to combine.</param>
    /// <param name="taker">The rank that gets the result; null: all.</param>
    public void Reduce(Operation operation, Tensor tensor, ReduceOp op, int? taker)
    {
        DenseTensor dense = tensors.Open(tensor);
        bool isWanted = taker is null || taker == Rank;
        if (dense.Bytes <= exchange.InlineBytes)
        {
            Copy(dense.Memory, exchange.Outgoing(Rank), dense.Bytes);
            exchange.Meet(operation, dense.Bytes, taker is null ? Recipients.All : Recipients.One, taker ?? -1);
            if (isWanted)
            {
                CombineIncoming(dense.Memory, dense.Memory, tensor, op);
            }
        }
        else
        {
            exchange.Meet(operation);
            sliced.Run(new WholeTensorCall(dense.Memory, dense.Bytes, Size, giver: null, taker)
            {
                Op = op,
                ElementType = tensor.dtype,
                ElementBytes = tensor.element_size(),
                Result = isWanted ? dense.Memory + new Parts(dense.Bytes, 1, Size).Start(Rank) : null,
            });
        }

        if (isWanted)
        {
            dense.CopyBack();
        }

        tensors.Close();
    }

    public void ReduceScatter(Operation operation, Tensor output, IReadOnlyList<Tensor> inputs, ReduceOp op)
    {
        DenseTensor[] given = tensors.Open(inputs);
        DenseTensor result = tensors.Open(output);
        if (result.Bytes <= exchange.InlineBytes)
        {
            for (int rank = 0; rank < Size; rank++)
            {
                Copy(given[rank].Memory, exchange.Outgoing(rank), result.Bytes);
            }

            exchange.Meet(operation, result.Bytes, Recipients.EachItsOwn);
            CombineIncoming(given[Rank].Memory, result.Memory, output, op);
        }
        else
        {
            exchange.Meet(operation);
            sliced.Run(new TensorForEachCall(given, result.Bytes) { Op = op, ElementType = output.dtype, ElementBytes = output.element_size(), Result = result.Memory });
        }

        result.CopyBack();
        tensors.Close();
    }

    private static void Copy(byte* from, byte* to, long bytes) => Buffer.MemoryCopy(from, to, bytes, bytes);

    private void CombineIncoming(byte* own, byte* result, Tensor tensor, ReduceOp op)
    {
        byte** sources = stackalloc byte*[Size];
        for (int rank = 0; rank < Size; rank++)
        {
            sources[rank] = rank == Rank ? own : exchange.Incoming(rank);
        }

        Reduction.Run(sources, Size, &result, 1, tensor.numel(), tensor.dtype, op);
    }
}
