using static TorchSharp.torch;

namespace Convoy.Distributed;

/// <content>Messages between two ranks. They do not wait for collective operations, nor messages of other pairs of ranks.</content>
public abstract partial class ProcessGroup
{
    private readonly MessageQueues _messages;

    /// <summary>Sends <paramref name="tensor"/> to one rank; returns when the tensor may be changed again.</summary>
    /// <param name="tensor">Any element type, shape and strides, also empty.</param>
    /// <param name="destination">The rank that receives; not this one.</param>
    /// <param name="tag">Tells messages of a pair of ranks apart: a receiver gets the first one with its tag. At least 0.</param>
    /// <exception cref="DistributedException">The other rank ended or did not receive in time.</exception>
    public void Send(Tensor tensor, int destination, int tag = 0)
    {
        Operation operation = Message(OperationKind.Send, tensor, destination, tag);
        _messages.Of(OperationKind.Send, destination).Run(new Work(operation, Name, () => SendCore(tensor, destination, tag), [], () => [destination]));
    }

    /// <summary>Like <see cref="Send"/>, without waiting.</summary>
    public Work SendAsync(Tensor tensor, int destination, int tag = 0)
    {
        Operation operation = Message(OperationKind.Send, tensor, destination, tag);
        Tensor held = tensor.detach().DetachFromDisposeScope();
        var work = new Work(operation, Name, () => SendCore(held, destination, tag), [held], () => [destination]);
        _messages.Of(OperationKind.Send, destination).Enqueue(work);
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
        _messages.Of(OperationKind.Receive, source).Run(new Work(operation, Name, () => ReceiveCore(tensor, source, tag), [], () => [source]));
    }

    /// <summary>Like <see cref="Receive"/>, without waiting.</summary>
    public Work ReceiveAsync(Tensor tensor, int source, int tag = 0)
    {
        Operation operation = Message(OperationKind.Receive, tensor, source, tag);
        Tensor held = tensor.detach().DetachFromDisposeScope();
        var work = new Work(operation, Name, () => ReceiveCore(held, source, tag), [held], () => [source]);
        _messages.Of(OperationKind.Receive, source).Enqueue(work);
        return work;
    }

    /// <summary>The backend's <see cref="Send"/>; the arguments are checked. Called from one thread for each destination.</summary>
    protected abstract void SendCore(Tensor tensor, int destination, int tag);

    /// <summary>The backend's <see cref="Receive"/>; the arguments are checked. Called from one thread for each source.</summary>
    protected abstract void ReceiveCore(Tensor tensor, int source, int tag);

    private Operation Message(OperationKind kind, Tensor tensor, int peer, int tag)
    {
        RequireUsable(tensor);
        RequireRank(peer, kind == OperationKind.Send ? "destination" : "source");
        ArgumentOutOfRangeException.ThrowIfNegative(tag);
        return peer == Rank
            ? throw new ArgumentException(FormattableString.Invariant($"rank {Rank} cannot {kind} to or from itself. Copy the tensor instead."))
            : new Operation(kind, tensor.dtype, tensor.shape, Peer: peer, Tag: tag);
    }
}
