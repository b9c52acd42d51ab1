using Convoy.Distributed.Backends.SharedMemory;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.Hierarchical;

/// <summary>Data that goes through the hosts' shared memory and between hosts in chunks.</summary>
/// <param name="kind"><see cref="OperationKind.AllReduce"/>, <see cref="OperationKind.Reduce"/> or <see cref="OperationKind.Broadcast"/>.</param>
/// <param name="count">How many elements.</param>
/// <param name="type">Their type.</param>
/// <param name="op">How they are combined; of no meaning in a broadcast.</param>
/// <param name="root">The rank that gets the result, or has the data; of no meaning where all do.</param>
internal sealed unsafe class Transfer(OperationKind kind, long count, ScalarType type, ReduceOp op = ReduceOp.Sum, int root = 0)
{
    /// <summary>What is done.</summary>
    public OperationKind Kind => kind;

    /// <summary>How many elements.</summary>
    public long Count => count;

    /// <summary>Their type.</summary>
    public ScalarType Type => type;

    /// <summary>How they are combined.</summary>
    public ReduceOp Op => op;

    /// <summary>The rank that gets the result, or has the data.</summary>
    public int Root => root;

    /// <summary>This rank's elements; null: it has none to give.</summary>
    public byte* Source { get; init; }

    /// <summary>Where this rank gets the result; null: it gets none.</summary>
    public byte* Target { get; init; }

    /// <summary>Where the elements lie in the host's shared memory, at the same place on all its ranks; the result goes there. Null: elsewhere.</summary>
    public LaneMemory? Place { get; init; }

    /// <summary>The elements as a tensor of one dimension, if they lie at a <see cref="Place"/>.</summary>
    public Tensor? Whole { get; init; }
}
