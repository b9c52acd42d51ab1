using Convoy.Distributed.Rendezvous;
using Convoy.Torch.Interop;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// The group of processes on one machine, which talk through memory that all of them map. Tensors travel through areas of that
/// memory; those from <see cref="ProcessGroup.AllocateBuffer"/> lie in it, so that all-reduce copies nothing.
/// </summary>
/// <remarks>
/// The memory is a file in /dev/shm that has no name, so that nothing stays behind whatever ends the processes: the other ranks open it
/// through /proc. Where they cannot (rank 0 is in another container, the system has no such files), it is a file with mode 0600 and a random name, made when
/// all ranks have come and removed when all have mapped it; then it stays only if all of them are killed in the moment between. On Linux a rank
/// that waits sleeps in futex(2), elsewhere it looks again every millisecond. A rank whose process ends is noticed within two seconds.
/// </remarks>
public sealed unsafe class ProcessGroupSharedMemory : ProcessGroup
{
    private static readonly BarrierFactory DefaultBarrier = (control, watch, rank, size) => new SharedMemoryBarrier(control, watch, rank, size);

    private readonly IPlatform _platform;
    private readonly BarrierFactory _barrier;
    private readonly SharedMemorySegment _segment;
    private readonly ControlBlock _control;
    private readonly PeerWatch _watch;
    private readonly SharedMemoryExchange _exchange;
    private readonly SharedBuffers _buffers;
    private readonly CopyingOperations _copying;
    private readonly ReducingOperations _reducing;
    private readonly LaneOperations _laneOperations;
    private readonly Messages _messages;
    private readonly Store? _ownedStore;
    private ProcessGroup? _meetingPlace;
    private readonly OrderlyExit<ProcessGroupSharedMemory> _exit;
    private readonly Lock _leaving = new();
    private bool _hasLeft;

    /// <summary>Joins the group; returns when all ranks have.</summary>
    /// <param name="store">The job's store. It is used only until this returns.</param>
    /// <param name="rank">This process's number.</param>
    /// <param name="size">How many processes take part, at most 256, all on this machine.</param>
    /// <param name="timeout">How long to wait for the others, now and in each operation; null: <see cref="ProcessGroup.DefaultTimeout"/>.</param>
    /// <param name="ownsStore">Whether <see cref="ProcessGroup.Dispose()"/> closes the store.</param>
    /// <param name="name">What to call the group in messages.</param>
    /// <param name="cancellation">Ends the wait for the others, now.</param>
    /// <exception cref="StoreTimeoutException">Some ranks did not come; the message names them.</exception>
    /// <exception cref="SharedMemoryException">There is not enough shared memory, or the ranks cannot open the same file.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was signalled.</exception>
    public ProcessGroupSharedMemory(Store store, int rank, int size, TimeSpan? timeout = null, bool ownsStore = false, string name = "default", CancellationToken cancellation = default)
        : this(IPlatform.Current, store, rank, size, timeout ?? DefaultTimeout, ownsStore, name, cancellation: cancellation)
    {
    }

    /// <summary>Like the public one, with a platform and a barrier of the caller's choice, which must be the same on all ranks, and names for the ranks in errors.</summary>
    internal ProcessGroupSharedMemory(
        IPlatform platform, Store store, int rank, int size, TimeSpan timeout, bool ownsStore = false, string name = "default", BarrierFactory? barrier = null, IReadOnlyList<int>? rankNames = null, CancellationToken cancellation = default)
        : this(platform, barrier ?? DefaultBarrier, Join(platform, store, rank, size, timeout, rankNames, cancellation), rank, size, timeout, name, rankNames, cancellation) => _ownedStore = ownsStore ? store : null;

    // Every rank has mapped the memory and entered itself in it.
    private ProcessGroupSharedMemory(IPlatform platform, BarrierFactory barrier, SharedMemorySegment segment, int rank, int size, TimeSpan timeout, string name, IReadOnlyList<int>? rankNames = null, CancellationToken cancellation = default)
        : base(rank, size, timeout, name)
    {
        if (rankNames is not null)
        {
            RankNames.Set(rankNames);
        }

        _platform = platform;
        _barrier = barrier;
        _segment = segment;
        _control = new ControlBlock(segment.Start, size);
        bool isJoining = true;
        _watch = new PeerWatch(_control, platform, rank, size, () => Limit, RankNames, () => IsDisposing || (isJoining && cancellation.IsCancellationRequested));
        _watch.Begin();
        IBarrier meeting = barrier(_control, _watch, rank, size);
        _exchange = new SharedMemoryExchange(_control, meeting, rank, size, RankNames, ReportAllArrived);
        _buffers = new SharedBuffers(rank, size);
        _copying = new CopyingOperations(_exchange, RankNames);
        _reducing = new ReducingOperations(_exchange, _buffers);
        _laneOperations = new LaneOperations(_exchange);
        _messages = new Messages(_control, _watch, rank, size, RankNames);
        try
        {
            // A rank that ended before the others have seen its process would look to them like one that a container hides.
            meeting.Wait("joining the group");

            // A rank that is asked to stop has operations to finish from now on: a last step, an agreement on the checkpoint.
            isJoining = false;
        }
        catch
        {
            Volatile.Write(ref _control.Slot(rank)->Left, 1);
            segment.Dispose();
            cancellation.ThrowIfCancellationRequested();
            throw;
        }

        _exit = new OrderlyExit<ProcessGroupSharedMemory>(this, static group => group.NoteLeaving());
        AppDomain.CurrentDomain.ProcessExit += _exit.NoteLeaving;
    }

    /// <inheritdoc/>
    internal override DistributedException? Departure(int rank, string operation)
    {
        lock (_leaving)
        {
            RankSlot* slot = _control.Slot(rank);
            return _hasLeft || Volatile.Read(ref slot->Left) == 0 ? null
                : FailureNote.IsSet(&slot->Failure) ? FailureNote.ToError(&slot->Failure, operation, rank, Rank, _control, Timeout, RankNames)
                : new PeerLostException(operation, RankNames[rank], slot->ProcessId, leftGroup: true, slot->OperationsWhenLeft);
        }
    }

    /// <summary>Where an address lies in memory from <see cref="ProcessGroup.AllocateBuffer"/>; null: elsewhere. Not while an operation of the group runs.</summary>
    internal LaneMemory? FindMemory(byte* address) => _buffers.Find(address) is { } buffer ? new LaneMemory(buffer, buffer.OffsetOf(address)) : null;

    /// <summary>Does this group's part of an operation of several hosts, in its turn. All ranks of the group call it in the same order.</summary>
    internal void RunInside(Operation operation, Action<LaneOperations> part) => Run(operation, () => part(_laneOperations));

    /// <summary>Takes over the group by which its ranks have found each other, and whose store they use: it hears of a failure and ends with this one.</summary>
    internal void Own(ProcessGroup meetingPlace) => (_meetingPlace, Store) = (meetingPlace, meetingPlace.Store);

    /// <inheritdoc/>
    internal override void BeginDispose()
    {
        base.BeginDispose();
        _meetingPlace?.BeginDispose();
    }

    /// <summary>Lets the other ranks know that this one leaves in order; also when its process ends without having disposed the group.</summary>
    internal void NoteLeaving()
    {
        lock (_leaving)
        {
            // Afterwards the memory may be gone.
            if (!_hasLeft)
            {
                _hasLeft = true;
                _control.Slot(Rank)->OperationsWhenLeft = CompletedOperations;
                Volatile.Write(ref _control.Slot(Rank)->Left, 1);
            }
        }
    }

    /// <inheritdoc/>
    protected override void AllReduceCore(Tensor tensor, ReduceOp op) => _reducing.AllReduce(Current, tensor, op);

    /// <inheritdoc/>
    protected override void ReduceCore(Tensor tensor, int root, ReduceOp op) => _reducing.Reduce(Current, tensor, root, op);

    /// <inheritdoc/>
    protected override void ReduceScatterCore(Tensor output, IReadOnlyList<Tensor> inputs, ReduceOp op) => _reducing.ReduceScatter(Current, output, inputs, op);

    /// <inheritdoc/>
    protected override void BroadcastCore(Tensor tensor, int root) => _copying.Broadcast(Current, tensor, root);

    /// <inheritdoc/>
    protected override void AllGatherCore(IReadOnlyList<Tensor> outputs, Tensor input) => _copying.Gather(Current, outputs, input);

    /// <inheritdoc/>
    protected override void GatherCore(IReadOnlyList<Tensor> outputs, Tensor input, int root) => _copying.Gather(Current, outputs, input);

    /// <inheritdoc/>
    protected override void ScatterCore(Tensor output, IReadOnlyList<Tensor> inputs, int root) => _copying.Scatter(Current, output, inputs, root);

    /// <inheritdoc/>
    protected override void AllToAllCore(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> inputs) => _copying.AllToAll(Current, outputs, inputs);

    /// <inheritdoc/>
    protected override void SendCore(Tensor tensor, int destination, int tag) => _messages.Send(tensor, destination, tag);

    /// <inheritdoc/>
    protected override void ReceiveCore(Tensor tensor, int source, int tag) => _messages.Receive(tensor, source, tag);

    /// <inheritdoc/>
    protected override void BarrierCore()
    {
        _exchange.Begin(Current);
        _exchange.Meet();
    }

    /// <inheritdoc/>
    protected override Tensor AllocateBufferCore(long count, ScalarType dtype)
    {
        _exchange.Begin(Current);
        SharedMemorySegment? segment = new SegmentAgreement(_exchange, _platform, RankNames, _segment.HasName).Share([.. Enumerable.Range(0, Size)], SharedBuffers.SegmentBytes(count, dtype, Size));
        return _buffers.Add(segment!, count, dtype);
    }

    /// <inheritdoc/>
    protected override Tensor? AllocateSharedCore(long count, ScalarType dtype)
    {
        _exchange.Begin(Current);
        SharedMemorySegment segment = new SegmentAgreement(_exchange, _platform, RankNames, _segment.HasName).Share([.. Enumerable.Range(0, Size)], SharedBuffers.SegmentBytes(count, dtype, 1))!;

        // The tensor is the segment's only user.
        return TensorMemory.Wrap(segment.Start, count, dtype, segment.Release).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    protected override ProcessGroup? NewGroupCore(IReadOnlyList<int> ranks, string name)
    {
        int rank = ranks.ToList().IndexOf(Rank);
        _exchange.Begin(Current);
        SharedMemorySegment? segment = new SegmentAgreement(_exchange, _platform, RankNames, _segment.HasName).Share(
            ranks, ControlBlock.Bytes(ranks.Count), made => Enter(_platform, made, rank, ranks.Count));
        return segment is null ? null : new ProcessGroupSharedMemory(_platform, _barrier, segment, rank, ranks.Count, Timeout, name);
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<int> MissingRanks() => RankNames.Of(_watch.Missing());

    /// <inheritdoc/>
    protected override void OnFailed(Exception error)
    {
        FailureNote.Write(&_control.Slot(Rank)->Failure, error);
        _meetingPlace?.Break(error);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        AppDomain.CurrentDomain.ProcessExit -= _exit.NoteLeaving;
        NoteLeaving();
        _messages.Dispose();
        _buffers.Dispose();
        _segment.Dispose();
        _meetingPlace?.Dispose();
        _ownedStore?.Dispose();
        base.Dispose(disposing);
    }

    private static SharedMemorySegment Join(IPlatform platform, Store store, int rank, int size, TimeSpan timeout, IReadOnlyList<int>? rankNames, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, ControlBlock.MaximumRanks);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, size);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        var names = new RankNames();
        if (rankNames is not null)
        {
            names.Set(rankNames);
        }

        return new SharedMemoryRendezvous(platform, store, rank, size, timeout, names, cancellation)
            .Join(ControlBlock.Bytes(size), segment => Enter(platform, segment, rank, size));
    }

    private static void Enter(IPlatform platform, SharedMemorySegment segment, int rank, int size)
    {
        ProcessIdentity self = ProcessIdentity.CurrentIn(platform);
        RankSlot* slot = new ControlBlock(segment.Start, size).Slot(rank);
        slot->ProcessId = self.ProcessId;
        slot->ProcessStart = self.Start;
    }
}
