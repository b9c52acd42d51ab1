using static TorchSharp.torch;

namespace Convoy.Distributed;

/// <content>The operations: what they take, and that it is checked before anything travels.</content>
public abstract partial class ProcessGroup
{
    /// <summary>Replaces <paramref name="tensor"/> on every rank by all ranks' tensors combined, element by element.</summary>
    /// <param name="tensor">A type that goes with <paramref name="op"/> (see <see cref="ReduceOp"/>); any shape and strides, also empty. float16 and bfloat16 are combined in float32 and rounded once (see <see cref="ReduceOp"/>).</param>
    /// <param name="op">How to combine.</param>
    /// <exception cref="ArgumentException">The tensor's type does not go with <paramref name="op"/>, or it is on another device.</exception>
    /// <exception cref="DistributedException">A rank ended, did not arrive in time, or called something else.</exception>
    public void AllReduce(Tensor tensor, ReduceOp op = ReduceOp.Sum) => Run(AllReduceOperation(tensor, op), () => StartAllReduce(tensor, op));

    /// <summary>Like <see cref="AllReduce"/>, without waiting.</summary>
    public Work AllReduceAsync(Tensor tensor, ReduceOp op = ReduceOp.Sum) =>
        Start(AllReduceOperation(tensor, op), [tensor], held => StartAllReduce(held[0], op));

    /// <summary>Copies <paramref name="tensor"/> of rank <paramref name="root"/> into those of all other ranks.</summary>
    /// <param name="tensor">Any element type, shape and strides.</param>
    /// <param name="root">The rank whose values all get.</param>
    /// <exception cref="DistributedException">A rank ended, did not arrive in time, or called something else.</exception>
    public void Broadcast(Tensor tensor, int root) => Run(BroadcastOperation(tensor, root), () => StartBroadcast(tensor, root));

    /// <summary>Like <see cref="Broadcast"/>, without waiting.</summary>
    public Work BroadcastAsync(Tensor tensor, int root) =>
        Start(BroadcastOperation(tensor, root), [tensor], held => StartBroadcast(held[0], root));

    /// <summary>Replaces <paramref name="tensor"/> on rank <paramref name="root"/> by all ranks' tensors combined; elsewhere it stays as it is.</summary>
    /// <param name="tensor">See <see cref="AllReduce"/>.</param>
    /// <param name="root">The rank that gets the result.</param>
    /// <param name="op">How to combine.</param>
    /// <exception cref="ArgumentException">The tensor's type does not go with <paramref name="op"/>, or it is on another device.</exception>
    /// <exception cref="DistributedException">A rank ended, did not arrive in time, or called something else.</exception>
    public void Reduce(Tensor tensor, int root, ReduceOp op = ReduceOp.Sum) => Run(ReduceOperation(tensor, root, op), () => StartReduce(tensor, root, op));

    /// <summary>Like <see cref="Reduce"/>, without waiting.</summary>
    public Work ReduceAsync(Tensor tensor, int root, ReduceOp op = ReduceOp.Sum) =>
        Start(ReduceOperation(tensor, root, op), [tensor], held => StartReduce(held[0], root, op));

    /// <summary>Gathers every rank's <paramref name="input"/> on every rank.</summary>
    /// <param name="outputs"><see cref="Size"/> tensors, each with the input's type and number of elements; output r gets rank r's input.</param>
    /// <param name="input">Any element type, shape and strides.</param>
    /// <exception cref="ArgumentException">The outputs do not fit the input.</exception>
    /// <exception cref="DistributedException">A rank ended, did not arrive in time, or called something else.</exception>
    public void AllGather(IReadOnlyList<Tensor> outputs, Tensor input) => Run(AllGatherOperation(outputs, input), () => StartAllGather(outputs, input));

    /// <summary>Like <see cref="AllGather"/>, without waiting.</summary>
    public Work AllGatherAsync(IReadOnlyList<Tensor> outputs, Tensor input) =>
        Start(AllGatherOperation(outputs, input), [.. outputs, input], held => StartAllGather([.. held.SkipLast(1)], held[^1]));

    /// <summary>Gathers every rank's <paramref name="input"/> on rank <paramref name="root"/>.</summary>
    /// <param name="outputs">On the root <see cref="Size"/> tensors as in <see cref="AllGather"/>; elsewhere null.</param>
    /// <param name="input">Any element type, shape and strides.</param>
    /// <param name="root">The rank that gets them.</param>
    /// <exception cref="ArgumentException">The outputs do not fit the input, are missing on the root, or are given elsewhere.</exception>
    /// <exception cref="DistributedException">A rank ended, did not arrive in time, or called something else.</exception>
    public void Gather(IReadOnlyList<Tensor>? outputs, Tensor input, int root) => Run(GatherOperation(outputs, input, root), () => StartGather(outputs ?? [], input, root));

    /// <summary>Like <see cref="Gather"/>, without waiting.</summary>
    public Work GatherAsync(IReadOnlyList<Tensor>? outputs, Tensor input, int root) =>
        Start(GatherOperation(outputs, input, root), [.. outputs ?? [], input], held => StartGather([.. held.SkipLast(1)], held[^1], root));

    /// <summary>Gives each rank its own part of what rank <paramref name="root"/> has.</summary>
    /// <param name="output">Gets this rank's part. Any element type, shape and strides.</param>
    /// <param name="inputs">On the root <see cref="Size"/> tensors, each with the output's type and number of elements, input r for rank r; elsewhere null.</param>
    /// <param name="root">The rank that gives.</param>
    /// <exception cref="ArgumentException">The inputs do not fit the output, are missing on the root, or are given elsewhere.</exception>
    /// <exception cref="DistributedException">A rank ended, did not arrive in time, or called something else.</exception>
    public void Scatter(Tensor output, IReadOnlyList<Tensor>? inputs, int root) => Run(ScatterOperation(output, inputs, root), () => StartScatter(output, inputs ?? [], root));

    /// <summary>Like <see cref="Scatter"/>, without waiting.</summary>
    public Work ScatterAsync(Tensor output, IReadOnlyList<Tensor>? inputs, int root) =>
        Start(ScatterOperation(output, inputs, root), [.. inputs ?? [], output], held => StartScatter(held[^1], [.. held.SkipLast(1)], root));

    /// <summary>Combines every rank's <paramref name="inputs"/> element by element, and gives rank r the result of input r.</summary>
    /// <param name="output">Gets this rank's part; a type as in <see cref="AllReduce"/>.</param>
    /// <param name="inputs"><see cref="Size"/> tensors, each with the output's type and number of elements. They stay as they are.</param>
    /// <param name="op">How to combine.</param>
    /// <exception cref="ArgumentException">The inputs do not fit the output, or their type does not go with <paramref name="op"/>.</exception>
    /// <exception cref="DistributedException">A rank ended, did not arrive in time, or called something else.</exception>
    public void ReduceScatter(Tensor output, IReadOnlyList<Tensor> inputs, ReduceOp op = ReduceOp.Sum) =>
        Run(ReduceScatterOperation(output, inputs, op), () => StartReduceScatter(output, inputs, op));

    /// <summary>Like <see cref="ReduceScatter"/>, without waiting.</summary>
    public Work ReduceScatterAsync(Tensor output, IReadOnlyList<Tensor> inputs, ReduceOp op = ReduceOp.Sum) =>
        Start(ReduceScatterOperation(output, inputs, op), [.. inputs, output], held => StartReduceScatter(held[^1], [.. held.SkipLast(1)], op));

    /// <summary>Gives input r of this rank to rank r, and gets its input for this rank as output r.</summary>
    /// <param name="outputs"><see cref="Size"/> tensors of one type; output r has as many elements as rank r gives to this rank.</param>
    /// <param name="inputs"><see cref="Size"/> tensors of the same type; their sizes may differ.</param>
    /// <exception cref="ArgumentException">There are too few or too many tensors, or their types differ.</exception>
    /// <exception cref="DistributedException">A rank ended, did not arrive in time, or gave another number of elements than expected.</exception>
    public void AllToAll(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> inputs) => Run(AllToAllOperation(outputs, inputs), () => StartAllToAll(outputs, inputs));

    /// <summary>Like <see cref="AllToAll"/>, without waiting.</summary>
    public Work AllToAllAsync(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> inputs) =>
        Start(AllToAllOperation(outputs, inputs), [.. outputs, .. inputs], held => StartAllToAll([.. held.Take(Size)], [.. held.Skip(Size)]));

    /// <summary>Returns when all ranks have called it.</summary>
    /// <exception cref="DistributedException">A rank ended, did not arrive in time, or called something else.</exception>
    public void Barrier()
    {
        RequireIntact();
        Run(new Operation(OperationKind.Barrier), StartBarrier);
    }

    /// <summary>Like <see cref="Barrier"/>, without waiting.</summary>
    public Work BarrierAsync() => Start(new Operation(OperationKind.Barrier), [], _ => StartBarrier());

    /// <summary>Sends <paramref name="tensor"/> to one rank; returns when the tensor may be changed again.</summary>
    /// <param name="tensor">Any element type, shape and strides, also empty.</param>
    /// <param name="destination">The rank that receives; not this one.</param>
    /// <param name="tag">Tells messages of a pair of ranks apart: a receiver gets the first one with its tag. At least 0.</param>
    /// <exception cref="DistributedException">The other rank ended or did not receive in time.</exception>
    public void Send(Tensor tensor, int destination, int tag = 0)
    {
        Operation operation = Message(OperationKind.Send, tensor, destination, tag);
        _messages.For(OperationKind.Send, destination).Run(new Work(operation, Name, () => StartSend(tensor, destination, tag), [], () => [destination]));
    }

    /// <summary>Like <see cref="Send"/>, without waiting.</summary>
    public Work SendAsync(Tensor tensor, int destination, int tag = 0)
    {
        Operation operation = Message(OperationKind.Send, tensor, destination, tag);
        Tensor held = tensor.detach().DetachFromDisposeScope();
        var work = new Work(operation, Name, () => StartSend(held, destination, tag), [held], () => [destination]);
        _messages.For(OperationKind.Send, destination).Enqueue(work);
        return work;
    }

    /// <summary>Receives what <paramref name="source"/> sends next with <paramref name="tag"/>.</summary>
    /// <param name="tensor">Where to put it; the same element type and number of elements as sent.</param>
    /// <param name="source">The rank that sends; not this one.</param>
    /// <param name="tag">See <see cref="Send"/>.</param>
    /// <exception cref="CollectiveMismatchException">What was sent has another type or size.</exception>
    /// <exception cref="DistributedException">The other rank ended or did not send in time.</exception>
    public void Receive(Tensor tensor, int source, int tag = 0)
    {
        Operation operation = Message(OperationKind.Receive, tensor, source, tag);
        _messages.For(OperationKind.Receive, source).Run(new Work(operation, Name, () => StartReceive(tensor, source, tag), [], () => [source]));
    }

    /// <summary>Like <see cref="Receive"/>, without waiting.</summary>
    public Work ReceiveAsync(Tensor tensor, int source, int tag = 0)
    {
        Operation operation = Message(OperationKind.Receive, tensor, source, tag);
        Tensor held = tensor.detach().DetachFromDisposeScope();
        var work = new Work(operation, Name, () => StartReceive(held, source, tag), [held], () => [source]);
        _messages.For(OperationKind.Receive, source).Enqueue(work);
        return work;
    }

    private static void RequireReducible(ScalarType dtype, ReduceOp op)
    {
        if (!ReduceOps.Supports(dtype, op))
        {
            throw new ArgumentException($"the {op} of {dtype} tensors is not defined. {ReduceOps.Remedy(op)}");
        }
    }

    private protected static Operation Describe(OperationKind kind, Tensor tensor, ReduceOp? op = null, int? peer = null, int tag = 0) => new(kind, tensor.dtype, tensor.shape, op, peer, tag);

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
        return Describe(OperationKind.Broadcast, tensor, peer: root);
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
        return Describe(OperationKind.Gather, input, peer: root);
    }

    private Operation ScatterOperation(Tensor output, IReadOnlyList<Tensor>? inputs, int root)
    {
        RequireUsable(output);
        RequireOnRootOnly(inputs, output, root, nameof(inputs));
        return Describe(OperationKind.Scatter, output, peer: root);
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

    private Operation Message(OperationKind kind, Tensor tensor, int peer, int tag)
    {
        RequireUsable(tensor);
        RequireRank(peer, kind == OperationKind.Send ? "destination" : "source");
        ArgumentOutOfRangeException.ThrowIfNegative(tag);
        return peer == Rank
            ? throw new ArgumentException(FormattableString.Invariant($"rank {Rank} cannot {kind} to or from itself. Copy the tensor instead."))
            : Describe(kind, tensor, peer: peer, tag: tag);
    }

    private void RequireUsable(Tensor tensor)
    {
        RequireIntact();
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.device_type != Device || tensor.is_sparse)
        {
            throw new ArgumentException($"the tensor is {(tensor.is_sparse ? "sparse" : $"on {tensor.device_type}")}, but this process group takes dense tensors on {Device}. Convert it first.", nameof(tensor));
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
                $"{Size} {name} are needed: dense tensors on {Device} of type {example.dtype} with {example.numel()} elements each ({tensors.Count} were given)."), name);
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
            throw new ArgumentException(FormattableString.Invariant($"only the root, rank {root}, takes {name}. Pass null on rank {Rank}."), name);
        }
    }
}
