using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed;

/// <content>The collective operations: what they take, and that it is checked before anything travels.</content>
public abstract partial class ProcessGroup
{
    /// <summary>The device whose tensors this group takes. Default: the CPU.</summary>
    protected virtual DeviceType Device => DeviceType.CPU;

    /// <summary>Replaces <paramref name="tensor"/> on every rank by all ranks' tensors combined, element by element.</summary>
    /// <param name="tensor">A type that goes with <paramref name="op"/> (see <see cref="ReduceOp"/>); any shape and strides, also empty. float16 and bfloat16 are combined in float32 and rounded once.</param>
    /// <param name="op">How to combine.</param>
    /// <exception cref="ArgumentException">The tensor's type does not go with <paramref name="op"/>, or it is on another device.</exception>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public void AllReduce(Tensor tensor, ReduceOp op = ReduceOp.Sum) => Run(AllReduceOperation(tensor, op), () => AllReduceCore(tensor, op));

    /// <summary>Like <see cref="AllReduce"/>, without waiting.</summary>
    public Work AllReduceAsync(Tensor tensor, ReduceOp op = ReduceOp.Sum) =>
        Start(AllReduceOperation(tensor, op), [tensor], held => AllReduceCore(held[0], op));

    /// <summary>Copies <paramref name="tensor"/> of rank <paramref name="root"/> into those of all other ranks.</summary>
    /// <param name="tensor">Any element type, shape and strides.</param>
    /// <param name="root">The rank whose values all get.</param>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public void Broadcast(Tensor tensor, int root) => Run(BroadcastOperation(tensor, root), () => BroadcastCore(tensor, root));

    /// <summary>Like <see cref="Broadcast"/>, without waiting.</summary>
    public Work BroadcastAsync(Tensor tensor, int root) =>
        Start(BroadcastOperation(tensor, root), [tensor], held => BroadcastCore(held[0], root));

    /// <summary>Replaces <paramref name="tensor"/> on rank <paramref name="root"/> by all ranks' tensors combined; elsewhere it stays as it is.</summary>
    /// <param name="tensor">See <see cref="AllReduce"/>.</param>
    /// <param name="root">The rank that gets the result.</param>
    /// <param name="op">How to combine.</param>
    /// <exception cref="ArgumentException">The tensor's type does not go with <paramref name="op"/>, or it is on another device.</exception>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public void Reduce(Tensor tensor, int root, ReduceOp op = ReduceOp.Sum) => Run(ReduceOperation(tensor, root, op), () => ReduceCore(tensor, root, op));

    /// <summary>Like <see cref="Reduce"/>, without waiting.</summary>
    public Work ReduceAsync(Tensor tensor, int root, ReduceOp op = ReduceOp.Sum) =>
        Start(ReduceOperation(tensor, root, op), [tensor], held => ReduceCore(held[0], root, op));

    /// <summary>Gathers every rank's <paramref name="input"/> on every rank.</summary>
    /// <param name="outputs"><see cref="Size"/> tensors, each with the input's type and number of elements; output r gets rank r's input.</param>
    /// <param name="input">Any element type, shape and strides.</param>
    /// <exception cref="ArgumentException">The outputs do not fit the input.</exception>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public void AllGather(IReadOnlyList<Tensor> outputs, Tensor input) => Run(AllGatherOperation(outputs, input), () => AllGatherCore(outputs, input));

    /// <summary>Like <see cref="AllGather"/>, without waiting.</summary>
    public Work AllGatherAsync(IReadOnlyList<Tensor> outputs, Tensor input) =>
        Start(AllGatherOperation(outputs, input), [.. outputs, input], held => AllGatherCore([.. held.SkipLast(1)], held[^1]));

    /// <summary>Gathers every rank's <paramref name="input"/> on rank <paramref name="root"/>.</summary>
    /// <param name="outputs">On the root <see cref="Size"/> tensors as in <see cref="AllGather"/>; elsewhere null.</param>
    /// <param name="input">Any element type, shape and strides.</param>
    /// <param name="root">The rank that gets them.</param>
    /// <exception cref="ArgumentException">The outputs do not fit the input, are missing on the root, or are given elsewhere.</exception>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public void Gather(IReadOnlyList<Tensor>? outputs, Tensor input, int root) => Run(GatherOperation(outputs, input, root), () => GatherCore(outputs ?? [], input, root));

    /// <summary>Like <see cref="Gather"/>, without waiting.</summary>
    public Work GatherAsync(IReadOnlyList<Tensor>? outputs, Tensor input, int root) =>
        Start(GatherOperation(outputs, input, root), [.. outputs ?? [], input], held => GatherCore([.. held.SkipLast(1)], held[^1], root));

    /// <summary>Gives each rank its own part of what rank <paramref name="root"/> has.</summary>
    /// <param name="output">Gets this rank's part. Any element type, shape and strides.</param>
    /// <param name="inputs">On the root <see cref="Size"/> tensors, each with the output's type and number of elements, input r for rank r; elsewhere null.</param>
    /// <param name="root">The rank that gives.</param>
    /// <exception cref="ArgumentException">The inputs do not fit the output, are missing on the root, or are given elsewhere.</exception>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public void Scatter(Tensor output, IReadOnlyList<Tensor>? inputs, int root) => Run(ScatterOperation(output, inputs, root), () => ScatterCore(output, inputs ?? [], root));

    /// <summary>Like <see cref="Scatter"/>, without waiting.</summary>
    public Work ScatterAsync(Tensor output, IReadOnlyList<Tensor>? inputs, int root) =>
        Start(ScatterOperation(output, inputs, root), [.. inputs ?? [], output], held => ScatterCore(held[^1], [.. held.SkipLast(1)], root));

    /// <summary>Combines every rank's <paramref name="inputs"/> element by element, and gives rank r the result of input r.</summary>
    /// <param name="output">Gets this rank's part; a type as in <see cref="AllReduce"/>.</param>
    /// <param name="inputs"><see cref="Size"/> tensors, each with the output's type and number of elements. They stay as they are.</param>
    /// <param name="op">How to combine.</param>
    /// <exception cref="ArgumentException">The inputs do not fit the output, or their type does not go with <paramref name="op"/>.</exception>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public void ReduceScatter(Tensor output, IReadOnlyList<Tensor> inputs, ReduceOp op = ReduceOp.Sum) =>
        Run(ReduceScatterOperation(output, inputs, op), () => ReduceScatterCore(output, inputs, op));

    /// <summary>Like <see cref="ReduceScatter"/>, without waiting.</summary>
    public Work ReduceScatterAsync(Tensor output, IReadOnlyList<Tensor> inputs, ReduceOp op = ReduceOp.Sum) =>
        Start(ReduceScatterOperation(output, inputs, op), [.. inputs, output], held => ReduceScatterCore(held[^1], [.. held.SkipLast(1)], op));

    /// <summary>Gives input r of this rank to rank r, and gets its input for this rank as output r.</summary>
    /// <param name="outputs"><see cref="Size"/> tensors of one type; output r has as many elements as rank r gives to this rank.</param>
    /// <param name="inputs"><see cref="Size"/> tensors of the same type; their sizes may differ.</param>
    /// <exception cref="ArgumentException">There are too few or too many tensors, or their types differ.</exception>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or gave another number of elements than expected.</exception>
    public void AllToAll(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> inputs) => Run(AllToAllOperation(outputs, inputs), () => AllToAllCore(outputs, inputs));

    /// <summary>Like <see cref="AllToAll"/>, without waiting.</summary>
    public Work AllToAllAsync(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> inputs) =>
        Start(AllToAllOperation(outputs, inputs), [.. outputs, .. inputs], held => AllToAllCore([.. held.Take(Size)], [.. held.Skip(Size)]));

    /// <summary>Returns when all ranks have called it.</summary>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public void Barrier()
    {
        RequireIntact();
        Run(new Operation(OperationKind.Barrier), BarrierCore);
    }

    /// <summary>Like <see cref="Barrier"/>, without waiting.</summary>
    public Work BarrierAsync() => Start(new Operation(OperationKind.Barrier), [], _ => BarrierCore());

    /// <summary>The backend's <see cref="AllReduce"/>; the arguments are checked.</summary>
    protected abstract void AllReduceCore(Tensor tensor, ReduceOp op);

    /// <summary>The backend's <see cref="Broadcast"/>; the arguments are checked.</summary>
    protected abstract void BroadcastCore(Tensor tensor, int root);

    /// <summary>The backend's <see cref="Reduce"/>; the arguments are checked.</summary>
    protected abstract void ReduceCore(Tensor tensor, int root, ReduceOp op);

    /// <summary>The backend's <see cref="AllGather"/>; the arguments are checked.</summary>
    protected abstract void AllGatherCore(IReadOnlyList<Tensor> outputs, Tensor input);

    /// <summary>The backend's <see cref="Gather"/>; the arguments are checked; no outputs but on the root.</summary>
    protected abstract void GatherCore(IReadOnlyList<Tensor> outputs, Tensor input, int root);

    /// <summary>The backend's <see cref="Scatter"/>; the arguments are checked; no inputs but on the root.</summary>
    protected abstract void ScatterCore(Tensor output, IReadOnlyList<Tensor> inputs, int root);

    /// <summary>The backend's <see cref="ReduceScatter"/>; the arguments are checked.</summary>
    protected abstract void ReduceScatterCore(Tensor output, IReadOnlyList<Tensor> inputs, ReduceOp op);

    /// <summary>The backend's <see cref="AllToAll"/>; the arguments are checked as far as one rank can.</summary>
    protected abstract void AllToAllCore(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> inputs);

    /// <summary>The backend's <see cref="Barrier"/>.</summary>
    protected abstract void BarrierCore();

    private static void RequireReducible(ScalarType dtype, ReduceOp op)
    {
        if (!ReduceOps.Supports(dtype, op))
        {
            throw new ArgumentException($"the {op} of {dtype} tensors is not defined. {ReduceOps.Remedy(op)}");
        }
    }

    private static Operation Describe(OperationKind kind, Tensor tensor, ReduceOp? op = null, int? root = null) => new(kind, tensor.dtype, tensor.shape, op, root);

    private Operation AllReduceOperation(Tensor tensor, ReduceOp op)
    {
        RequireUsable(tensor);
        RequireReducible(tensor.dtype, op);
        return Describe(OperationKind.AllReduce, tensor, op);
    }

    private Operation BroadcastOperation(Tensor tensor, int root)
    {
        RequireUsable(tensor);
        RequireRank(root, nameof(root));
        return Describe(OperationKind.Broadcast, tensor, root: root);
    }

    private Operation ReduceOperation(Tensor tensor, int root, ReduceOp op)
    {
        RequireUsable(tensor);
        RequireRank(root, nameof(root));
        RequireReducible(tensor.dtype, op);
        return Describe(OperationKind.Reduce, tensor, op, root);
    }

    private Operation AllGatherOperation(IReadOnlyList<Tensor> outputs, Tensor input)
    {
        RequireUsable(input);
        RequireOneForEachRank(outputs, input, nameof(outputs));
        return Describe(OperationKind.AllGather, input);
    }

    private Operation GatherOperation(IReadOnlyList<Tensor>? outputs, Tensor input, int root)
    {
        RequireUsable(input);
        RequireOnRootOnly(outputs, input, root, nameof(outputs));
        return Describe(OperationKind.Gather, input, root: root);
    }

    private Operation ScatterOperation(Tensor output, IReadOnlyList<Tensor>? inputs, int root)
    {
        RequireUsable(output);
        RequireOnRootOnly(inputs, output, root, nameof(inputs));
        return Describe(OperationKind.Scatter, output, root: root);
    }

    private Operation ReduceScatterOperation(Tensor output, IReadOnlyList<Tensor> inputs, ReduceOp op)
    {
        RequireUsable(output);
        RequireOneForEachRank(inputs, output, nameof(inputs));
        RequireReducible(output.dtype, op);
        return Describe(OperationKind.ReduceScatter, output, op);
    }

    private Operation AllToAllOperation(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> inputs)
    {
        ArgumentNullException.ThrowIfNull(outputs);
        ArgumentNullException.ThrowIfNull(inputs);
        foreach (Tensor tensor in outputs.Concat(inputs))
        {
            RequireUsable(tensor);
        }

        if (outputs.Count != Size || inputs.Count != Size || outputs.Concat(inputs).Any(tensor => tensor.dtype != inputs[0].dtype))
        {
            throw new ArgumentException(FormattableString.Invariant($"AllToAll needs {Size} outputs and {Size} inputs, all of one type ({outputs.Count} and {inputs.Count} were given)."));
        }

        return new Operation(OperationKind.AllToAll, inputs[0].dtype, [inputs.Sum(input => input.numel())]);
    }

    private void RequireUsable(Tensor tensor)
    {
        RequireIntact();
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.device_type != Device || tensor.is_sparse)
        {
            throw new ArgumentException($"the tensor is {(tensor.is_sparse ? "sparse" : $"on {tensor.device_type}")}, this process group takes dense tensors on {Device}. Convert it first.", nameof(tensor));
        }
    }

    private void RequireRank(int rank, string name)
    {
        if (rank < 0 || rank >= Size)
        {
            throw new ArgumentOutOfRangeException(name, rank, FormattableString.Invariant($"the group has the ranks 0 to {Size - 1}."));
        }
    }

    private void RequireOneForEachRank(IReadOnlyList<Tensor> tensors, Tensor example, string name)
    {
        ArgumentNullException.ThrowIfNull(tensors, name);
        if (tensors.Count != Size || tensors.Any(t => t.dtype != example.dtype || t.numel() != example.numel() || t.device_type != Device || t.is_sparse))
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"{Size} {name} are needed, dense tensors on {Device}, each of type {example.dtype} with {example.numel()} elements ({tensors.Count} were given)."), name);
        }
    }

    private void RequireOnRootOnly(IReadOnlyList<Tensor>? tensors, Tensor example, int root, string name)
    {
        RequireRank(root, nameof(root));
        if (Rank == root)
        {
            RequireOneForEachRank(tensors!, example, name);
        }
        else if (tensors is { Count: > 0 })
        {
            throw new ArgumentException(FormattableString.Invariant($"only the root, rank {root}, has {name}; give null on rank {Rank}."), name);
        }
    }
}
