using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Diagnostics;

/// <summary>
/// A process group around another: it hands every operation on, and a derived class does something before or after
/// (<see cref="Forward"/>). Groups that are made from it are wrapped as well. It owns the group inside.
/// </summary>
public abstract class ProcessGroupDecorator : ProcessGroup
{
    /// <param name="inner">The group that does the work; disposed with this one. Nobody else may use it.</param>
    protected ProcessGroupDecorator(ProcessGroup inner)
        : base((inner ?? throw new ArgumentNullException(nameof(inner))).Rank, inner.Size, inner.Timeout, inner.Name)
    {
        Inner = inner;
        inner.WhenAllArrived = ReportAllArrived;
    }

    /// <summary>The group that does the work.</summary>
    protected ProcessGroup Inner { get; }

    /// <inheritdoc/>
    protected override DeviceType Device => Inner.TensorDevice;

    internal override DistributedException? Departure(int rank, string operation) => Inner.Departure(rank, operation);

    internal override void BeginDispose()
    {
        base.BeginDispose();
        Inner.BeginDispose();
    }

    /// <summary>Runs an operation of the group inside by calling <paramref name="run"/>, once.</summary>
    /// <param name="operation">What is done.</param>
    /// <param name="run">Does it.</param>
    protected abstract void Forward(Operation operation, Action run);

    /// <summary>Wraps a group that was made from the one inside.</summary>
    /// <param name="inner">The new group.</param>
    /// <param name="ranks">Its members, by their ranks in this group.</param>
    protected abstract ProcessGroup Wrap(ProcessGroup inner, IReadOnlyList<int> ranks);

    /// <inheritdoc/>
    protected override void OnFailed(Exception error) => Inner.Break(error);

    /// <inheritdoc/>
    protected override IReadOnlyList<int> MissingRanks() => Inner.PresentlyMissingRanks;

    /// <inheritdoc/>
    protected override void AllReduceCore(Tensor tensor, ReduceOp op) => Forward(Current, () => Inner.AllReduce(tensor, op));

    /// <inheritdoc/>
    protected override void BroadcastCore(Tensor tensor, int root) => Forward(Current, () => Inner.Broadcast(tensor, root));

    /// <inheritdoc/>
    protected override void ReduceCore(Tensor tensor, int root, ReduceOp op) => Forward(Current, () => Inner.Reduce(tensor, root, op));

    /// <inheritdoc/>
    protected override void AllGatherCore(IReadOnlyList<Tensor> outputs, Tensor input) => Forward(Current, () => Inner.AllGather(outputs, input));

    /// <inheritdoc/>
    protected override void GatherCore(IReadOnlyList<Tensor> outputs, Tensor input, int root) =>
        Forward(Current, () => Inner.Gather(Rank == root ? outputs : null, input, root));

    /// <inheritdoc/>
    protected override void ScatterCore(Tensor output, IReadOnlyList<Tensor> inputs, int root) =>
        Forward(Current, () => Inner.Scatter(output, Rank == root ? inputs : null, root));

    /// <inheritdoc/>
    protected override void ReduceScatterCore(Tensor output, IReadOnlyList<Tensor> inputs, ReduceOp op) => Forward(Current, () => Inner.ReduceScatter(output, inputs, op));

    /// <inheritdoc/>
    protected override void AllToAllCore(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> inputs) => Forward(Current, () => Inner.AllToAll(outputs, inputs));

    /// <inheritdoc/>
    protected override void BarrierCore() => Forward(Current, Inner.Barrier);

    /// <inheritdoc/>
    protected override void SendCore(Tensor tensor, int destination, int tag) =>
        Forward(Describe(OperationKind.Send, tensor, peer: destination, tag: tag), () => Inner.Send(tensor, destination, tag));

    /// <inheritdoc/>
    protected override void ReceiveCore(Tensor tensor, int source, int tag) =>
        Forward(Describe(OperationKind.Receive, tensor, peer: source, tag: tag), () => Inner.Receive(tensor, source, tag));

    /// <inheritdoc/>
    protected override Tensor AllocateBufferCore(long count, ScalarType dtype)
    {
        Tensor? buffer = null;
        Forward(Current, () => buffer = Inner.AllocateBuffer(count, dtype));
        return buffer!;
    }

    /// <inheritdoc/>
    protected override Tensor? AllocateSharedCore(long count, ScalarType dtype)
    {
        Tensor? shared = null;
        Forward(Current, () => shared = Inner.AllocateShared(count, dtype));
        return shared;
    }

    /// <inheritdoc/>
    protected override ProcessGroup? NewGroupCore(IReadOnlyList<int> ranks, string name)
    {
        ProcessGroup? made = null;
        Forward(Current, () => made = Inner.NewGroup(ranks));
        return made is null ? null : Wrap(made, ranks);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
