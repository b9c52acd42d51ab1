using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed;

/// <content>
/// What a backend implements. For each operation it has a choice: a <c>...Core</c> method does it and returns when this rank's
/// result is there; a <c>Start...</c> method starts it and hands back what tells when it is done, so that the next operation may be
/// started meanwhile. Arguments are checked, and one of these methods runs at a time, in the order in which the operations were
/// called; those of messages in an order for each peer and direction.
/// </content>
public abstract partial class ProcessGroup
{
    /// <summary>The device whose tensors this group takes. Default: the CPU.</summary>
    protected virtual DeviceType Device => DeviceType.CPU;

    /// <summary>The collective operation that is being run, or started, as it was called. For a <c>...Core</c> or <c>Start...</c> method.</summary>
    protected Operation Current => _current!.Operation;

    /// <summary>How many operations this rank has done without an error, messages included.</summary>
    protected long CompletedOperations => Interlocked.Read(ref _completed);

    /// <summary>Whether the group is being disposed. A backend that waits looks at it several times a second and gives up.</summary>
    protected bool IsDisposing => Volatile.Read(ref _disposing) != 0;

    /// <summary>What this group's ranks are called in errors. Default: by their numbers in it.</summary>
    internal RankNames RankNames { get; } = new();

    /// <summary>
    /// How much longer than <see cref="Timeout"/> operations wait for the other ranks. Default: not at all. A group that works within another one is given some, where others know sooner who is missing.
    /// </summary>
    internal TimeSpan Patience { get; set; }

    /// <summary>How long operations wait for the other ranks.</summary>
    internal TimeSpan Limit => Timeout + Patience;

    /// <summary>The device whose tensors this group takes; for a group around this one, as all that follows here.</summary>
    internal DeviceType TensorDevice => Device;

    /// <summary>Called when all ranks have begun a collective operation.</summary>
    internal Action? WhenAllArrived { get; set; }

    /// <summary>The ranks that have not begun the present collective operation.</summary>
    internal IReadOnlyList<int> PresentlyMissingRanks => MissingRanks();

    /// <summary>The error that a rank has left the group, in order or after a failure that it noted, for this rank, which waits for it in <paramref name="operation"/>; null: it has not, or the backend cannot tell.</summary>
    internal virtual DistributedException? Departure(int rank, string operation) => null;

    /// <summary>Starts <see cref="Send"/> for a group that this one works within, which keeps the order and limits the time.</summary>
    internal BackendWork? StartSendWithin(Tensor tensor, int destination, int tag)
    {
        RequireIntact();
        return StartSend(tensor, destination, tag);
    }

    /// <summary>Says that the group is being disposed; also to a group within this one, whose operation this one may wait for.</summary>
    internal virtual void BeginDispose() => Volatile.Write(ref _disposing, 1);

    /// <summary>Starts <see cref="AllReduce"/>.</summary>
    /// <returns>What tells when it is done; null: it is done. Default: runs <see cref="AllReduceCore"/>. So for all that follow.</returns>
    protected virtual BackendWork? StartAllReduce(Tensor tensor, ReduceOp op)
    {
        AllReduceCore(tensor, op);
        return null;
    }

    /// <summary>Starts <see cref="Broadcast"/>; see <see cref="StartAllReduce"/>.</summary>
    protected virtual BackendWork? StartBroadcast(Tensor tensor, int root)
    {
        BroadcastCore(tensor, root);
        return null;
    }

    /// <summary>Starts <see cref="Reduce"/>; see <see cref="StartAllReduce"/>.</summary>
    protected virtual BackendWork? StartReduce(Tensor tensor, int root, ReduceOp op)
    {
        ReduceCore(tensor, root, op);
        return null;
    }

    /// <summary>Starts <see cref="AllGather"/>; see <see cref="StartAllReduce"/>.</summary>
    protected virtual BackendWork? StartAllGather(IReadOnlyList<Tensor> outputs, Tensor input)
    {
        AllGatherCore(outputs, input);
        return null;
    }

    /// <summary>Starts <see cref="Gather"/>; no outputs but on the root. See <see cref="StartAllReduce"/>.</summary>
    protected virtual BackendWork? StartGather(IReadOnlyList<Tensor> outputs, Tensor input, int root)
    {
        GatherCore(outputs, input, root);
        return null;
    }

    /// <summary>Starts <see cref="Scatter"/>; no inputs but on the root. See <see cref="StartAllReduce"/>.</summary>
    protected virtual BackendWork? StartScatter(Tensor output, IReadOnlyList<Tensor> inputs, int root)
    {
        ScatterCore(output, inputs, root);
        return null;
    }

    /// <summary>Starts <see cref="ReduceScatter"/>; see <see cref="StartAllReduce"/>.</summary>
    protected virtual BackendWork? StartReduceScatter(Tensor output, IReadOnlyList<Tensor> inputs, ReduceOp op)
    {
        ReduceScatterCore(output, inputs, op);
        return null;
    }

    /// <summary>Starts <see cref="AllToAll"/>, whose arguments are checked as far as one rank can; see <see cref="StartAllReduce"/>.</summary>
    protected virtual BackendWork? StartAllToAll(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> inputs)
    {
        AllToAllCore(outputs, inputs);
        return null;
    }

    /// <summary>Starts <see cref="Barrier"/>; see <see cref="StartAllReduce"/>.</summary>
    protected virtual BackendWork? StartBarrier()
    {
        BarrierCore();
        return null;
    }

    /// <summary>Starts <see cref="Send"/>; called from one thread for each destination. See <see cref="StartAllReduce"/>.</summary>
    protected virtual BackendWork? StartSend(Tensor tensor, int destination, int tag)
    {
        SendCore(tensor, destination, tag);
        return null;
    }

    /// <summary>Starts <see cref="Receive"/>; called from one thread for each source. See <see cref="StartAllReduce"/>.</summary>
    protected virtual BackendWork? StartReceive(Tensor tensor, int source, int tag)
    {
        ReceiveCore(tensor, source, tag);
        return null;
    }

    /// <summary>Does <see cref="AllReduce"/>. Default, as for all that follow: says that the backend does not have it.</summary>
    /// <exception cref="NotSupportedException">The backend overrides neither this nor <see cref="StartAllReduce"/>.</exception>
    protected virtual void AllReduceCore(Tensor tensor, ReduceOp op) => throw Missing(nameof(AllReduce));

    /// <summary>Does <see cref="Broadcast"/>.</summary>
    protected virtual void BroadcastCore(Tensor tensor, int root) => throw Missing(nameof(Broadcast));

    /// <summary>Does <see cref="Reduce"/>.</summary>
    protected virtual void ReduceCore(Tensor tensor, int root, ReduceOp op) => throw Missing(nameof(Reduce));

    /// <summary>Does <see cref="AllGather"/>.</summary>
    protected virtual void AllGatherCore(IReadOnlyList<Tensor> outputs, Tensor input) => throw Missing(nameof(AllGather));

    /// <summary>Does <see cref="Gather"/>; no outputs but on the root.</summary>
    protected virtual void GatherCore(IReadOnlyList<Tensor> outputs, Tensor input, int root) => throw Missing(nameof(Gather));

    /// <summary>Does <see cref="Scatter"/>; no inputs but on the root.</summary>
    protected virtual void ScatterCore(Tensor output, IReadOnlyList<Tensor> inputs, int root) => throw Missing(nameof(Scatter));

    /// <summary>Does <see cref="ReduceScatter"/>.</summary>
    protected virtual void ReduceScatterCore(Tensor output, IReadOnlyList<Tensor> inputs, ReduceOp op) => throw Missing(nameof(ReduceScatter));

    /// <summary>Does <see cref="AllToAll"/>; the arguments are checked as far as one rank can.</summary>
    protected virtual void AllToAllCore(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> inputs) => throw Missing(nameof(AllToAll));

    /// <summary>Does <see cref="Barrier"/>.</summary>
    protected virtual void BarrierCore() => throw Missing(nameof(Barrier));

    /// <summary>Does <see cref="Send"/>. Called from one thread for each destination.</summary>
    protected virtual void SendCore(Tensor tensor, int destination, int tag) => throw Missing(nameof(Send));

    /// <summary>Does <see cref="Receive"/>. Called from one thread for each source.</summary>
    protected virtual void ReceiveCore(Tensor tensor, int source, int tag) => throw Missing(nameof(Receive));

    /// <summary>Does <see cref="NewGroup"/>.</summary>
    /// <param name="ranks">The members.</param>
    /// <param name="name">The new group's name, the same on all ranks and not used before.</param>
    protected virtual ProcessGroup? NewGroupCore(IReadOnlyList<int> ranks, string name) => throw Missing(nameof(NewGroup));

    /// <summary>Does <see cref="AllocateBuffer"/>. Default: ordinary memory.</summary>
    protected virtual Tensor AllocateBufferCore(long count, ScalarType dtype) => zeros([count], dtype).DetachFromDisposeScope();

    /// <summary>Does <see cref="AllocateShared"/>. Default: null, the ranks cannot share memory.</summary>
    protected virtual Tensor? AllocateSharedCore(long count, ScalarType dtype) => null;

    /// <summary>Says that all ranks have begun the present collective operation, so that waiting and exchanging can be told apart. A backend calls it once in each.</summary>
    protected void ReportAllArrived()
    {
        _current?.AllArrived(Stopwatch.GetTimestamp());
        WhenAllArrived?.Invoke();
    }

    /// <summary>Called once, when the first operation fails on this rank, or its time is over: this rank no longer takes part. A backend lets the ranks that wait for it know, and aborts what is still under way.</summary>
    protected virtual void OnFailed(Exception error)
    {
    }

    /// <summary>The ranks that have not begun the present collective operation, as far as the backend knows. Default: none.</summary>
    protected virtual IReadOnlyList<int> MissingRanks() => [];

    /// <summary>Frees what the backend holds; no operation is under way any more.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    private NotSupportedException Missing(string operation) => new($"{GetType().Name} has no {operation}. Use a process group of another backend for it.");
}
