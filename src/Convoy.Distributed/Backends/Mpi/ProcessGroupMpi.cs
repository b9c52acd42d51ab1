using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>
/// The group of processes that talk through an MPI library, Open MPI or MPICH and its relatives, on one host or many. It is loaded when the group is joined; nothing of it is needed to build.
/// </summary>
/// <remarks>
/// Messages are non-blocking: an operation that is waited for moves them on the caller's thread, others on a thread of the group while the caller computes. A group
/// that is made from this one is a communicator of its own. A rank that ends, leaves or fails is noticed within seconds. MPI is ended with the process: in order, or, after a failure, without MPI_Finalize, whereupon
/// an MPI launcher ends the other ranks.
/// </remarks>
public sealed class ProcessGroupMpi : ProcessGroup
{
    // Under what the ranks' events stand in the store.
    private const string EventsName = "mpi";

    // How long rank 0, which serves the store, waits for the others to leave before it.
    private static readonly TimeSpan LongestFarewell = TimeSpan.FromSeconds(5);

    private readonly MpiRuntime _runtime;
    private readonly MpiCommunicator _communicator;
    private readonly MpiCommunicator _messageCommunicator;
    private readonly MpiPeers _peers;
    private readonly PeerEvents _events;
    private readonly MpiExchange _exchange;
    private readonly SlicedTransfer _sliced;
    private readonly RequestSet _transfers;
    private readonly MpiTensors _tensors = new();
    private readonly MpiCopyingOperations _copying;
    private readonly MpiReducingOperations _reducing;
    private readonly MpiMessages _messages;
    private readonly List<Tensor> _kept = [];
    private readonly Store? _ownedStore;
    private readonly bool _isWorld;
    private readonly OrderlyExit<ProcessGroupMpi> _exit;
    private readonly Lock _leaving = new();
    private int _madeGroups;
    private bool _hasLeft;
    private bool _hasUnfinished;

    private ProcessGroupMpi(MpiRuntime runtime, MpiCommunicator communicator, MpiProcess[] processes, PeerEvents events, Store? ownedStore, TimeSpan timeout, string name)
        : base(communicator.Rank, communicator.Size, timeout, name)
    {
        _runtime = runtime;
        _communicator = communicator;
        _messageCommunicator = communicator.Duplicate();
        _events = events;
        _isWorld = ownedStore is not null;
        _ownedStore = ownedStore;
        _peers = new MpiPeers(processes, RankNames, Rank, () => Limit, () => IsDisposing);
        _exchange = new MpiExchange(communicator, _peers, ReportAllArrived);
        _sliced = new SlicedTransfer(_exchange);
        _transfers = new RequestSet(communicator, 2 * Size);
        _copying = new MpiCopyingOperations(_exchange, _sliced, _tensors, _transfers);
        _reducing = new MpiReducingOperations(_exchange, _sliced, _tensors);
        _messages = new MpiMessages(_messageCommunicator, _peers, runtime.LargestTag);
        _events.Register(name, _peers);
        _exit = new OrderlyExit<ProcessGroupMpi>(this, static group => group.NoteLeaving());
        _runtime.Ending += _exit.NoteLeaving;
    }

    /// <summary>What the MPI library says it is: "Open MPI v4.1.4".</summary>
    public string Library => _runtime.Library.Description;

    /// <summary>The MPI libraries that this system has, as they describe themselves; none is started. Which of them a job uses depends on its launcher.</summary>
    public static IReadOnlyList<string> InstalledLibraries() => MpiLibraryFinder.Installed();

    /// <summary>
    /// Starts MPI, unless an earlier group has, and joins the group of all ranks; returns when all have. The library is the one that goes with the launcher of this process, or
    /// the one that CONVOY_MPI_LIBRARY names.
    /// </summary>
    /// <param name="timeout">How long to wait for the others, now and in each operation; null: <see cref="ProcessGroup.DefaultTimeout"/>.</param>
    /// <param name="cancellation">Ends the wait for the others, now. MPI itself goes on waiting for them, so that the process had better end.</param>
    /// <exception cref="MpiException">There is no MPI library, it does not go with the launcher, is older than MPI 3.0, does not take calls from several threads, or does not start.</exception>
    /// <exception cref="RendezvousException">The other ranks do not reach rank 0.</exception>
    /// <exception cref="CollectiveTimeoutException">Some ranks did not come.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was signalled.</exception>
    public static ProcessGroupMpi Join(TimeSpan? timeout = null, CancellationToken cancellation = default) => Join(bootstrap: null, timeout, cancellation);

    /// <summary>Like the public one, for a process that no MPI launcher started.</summary>
    internal static ProcessGroupMpi Join(IMpiBootstrap? bootstrap, TimeSpan? timeout, CancellationToken cancellation)
    {
        TimeSpan limit = timeout ?? DefaultTimeout;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero);
        return MpiStart.Within(limit, () => JoinAll(bootstrap, limit, cancellation), cancellation);
    }

    /// <summary>For each rank a number that tells its host from others, as MPI sees them: ranks that may share memory. Only of a group that was joined.</summary>
    internal IReadOnlyList<int> Hosts { get; private init; } = [];

    /// <inheritdoc/>
    internal override DistributedException? Departure(int rank, string operation) => _peers.Departure(rank, operation);

    /// <summary>Lets the other ranks know that this one leaves in order; also when its process ends without having disposed the group.</summary>
    internal void NoteLeaving()
    {
        lock (_leaving)
        {
            if (_hasLeft)
            {
                return;
            }

            _hasLeft = true;
        }

        bool isTold = _events.Tell(new PeerEvent(Name, Rank, _peers.Operation, Failure: null));
        if (_isWorld && !_hasUnfinished)
        {
            _runtime.NoteLeft();
        }

        if (isTold && _isWorld && Rank == 0)
        {
            _peers.AwaitDepartures(LongestFarewell, _communicator.MakeProgress);
        }
    }

    /// <inheritdoc/>
    protected override void AllReduceCore(Tensor tensor, ReduceOp op)
    {
        try
        {
            _reducing.AllReduce(Current, tensor, op);
        }
        catch
        {
            GiveUp();
            throw;
        }
    }

    /// <inheritdoc/>
    protected override void ReduceCore(Tensor tensor, int root, ReduceOp op) => Collectively(() => _reducing.Reduce(Current, tensor, op, root));

    /// <inheritdoc/>
    protected override void ReduceScatterCore(Tensor output, IReadOnlyList<Tensor> inputs, ReduceOp op) => Collectively(() => _reducing.ReduceScatter(Current, output, inputs, op));

    /// <inheritdoc/>
    protected override void BroadcastCore(Tensor tensor, int root) => Collectively(() => _copying.Broadcast(Current, tensor, root));

    /// <inheritdoc/>
    protected override void AllGatherCore(IReadOnlyList<Tensor> outputs, Tensor input) => Collectively(() => _copying.Gather(Current, outputs, input, root: null));

    /// <inheritdoc/>
    protected override void GatherCore(IReadOnlyList<Tensor> outputs, Tensor input, int root) => Collectively(() => _copying.Gather(Current, outputs, input, root));

    /// <inheritdoc/>
    protected override void ScatterCore(Tensor output, IReadOnlyList<Tensor> inputs, int root) => Collectively(() => _copying.Scatter(Current, output, inputs, root));

    /// <inheritdoc/>
    protected override void AllToAllCore(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> inputs) => Collectively(() => _copying.AllToAll(Current, outputs, inputs));

    /// <inheritdoc/>
    protected override void BarrierCore() => Collectively(() => _exchange.Meet(Current));

    /// <inheritdoc/>
    protected override BackendWork? StartSend(Tensor tensor, int destination, int tag) => _messages.Send(tensor, destination, tag, GiveUp);

    /// <inheritdoc/>
    protected override void ReceiveCore(Tensor tensor, int source, int tag) => _messages.Receive(tensor, source, tag, GiveUp);

    /// <inheritdoc/>
    protected override ProcessGroup? NewGroupCore(IReadOnlyList<int> ranks, string name)
    {
        ProcessGroup? made = null;
        Collectively(() =>
        {
            // All ranks have come, so that those of the new group meet in MPI at once: it waits for them without an end.
            _exchange.MeetForGroup(Current, ranks);

            // Once more: who has given up the first meeting does not come to this one, which has a time-out. What MPI does next has none.
            _exchange.Meet(Current);
            int tag = ++_madeGroups % short.MaxValue;
            if (ranks.Contains(Rank))
            {
                made = new ProcessGroupMpi(_runtime, _communicator.MakeGroup(ranks, tag), [.. ranks.Select(rank => _peers[rank])], _events, ownedStore: null, Timeout, name);
            }
        });
        return made;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<int> MissingRanks() => RankNames.Of(_exchange.Missing());

    /// <inheritdoc/>
    protected override void OnFailed(Exception error)
    {
        // This rank's own leaving is no failure.
        if (error is not ObjectDisposedException)
        {
            _events.Tell(new PeerEvent(Name, Rank, _peers.Operation, FailureCause.Of(error)));
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _runtime.Ending -= _exit.NoteLeaving;
        NoteLeaving();
        _events.Forget(Name);
        if (!_hasUnfinished)
        {
            _exchange.Dispose();
            _sliced.Dispose();
            _transfers.Dispose();
            _messageCommunicator.Free();
            _communicator.Free();
        }

        if (_isWorld)
        {
            _events.Dispose();
        }

        _ownedStore?.Dispose();
        base.Dispose(disposing);
    }

    private static ProcessGroupMpi JoinAll(IMpiBootstrap? bootstrap, TimeSpan timeout, CancellationToken cancellation)
    {
        var runtime = MpiRuntime.Start(bootstrap);
        MpiCommunicator communicator = new MpiCommunicator(runtime, runtime.Library.Abi.World).Duplicate();
        MpiProcess[] processes = MpiRendezvous.Introduce(communicator);
        int[] hosts = communicator.FirstRankOfHosts();
        (Store store, Func<Store>? connect) = bootstrap?.Store is { } given ? (given, null) : MpiRendezvous.Meet(communicator, processes, timeout, cancellation);

        // A connection of its own: one that does not answer any more is given up.
        Func<Store>? again = connect is null ? null : () => new PrefixStore(EventsName, connect(), ownsStore: true);
        PeerEvents? events = null;
        try
        {
            events = new PeerEvents(again?.Invoke() ?? new PrefixStore(EventsName, store), communicator.Rank, again);
            var group = new ProcessGroupMpi(runtime, communicator, processes, events, store, timeout, "default") { Store = store, Hosts = hosts };
            runtime.NoteJoined();
            return group;
        }
        catch
        {
            events?.Dispose();
            if (connect is not null)
            {
                store.Dispose();
            }

            throw;
        }
    }

    private void Collectively(Action operation)
    {
        try
        {
            operation();
        }
        catch
        {
            GiveUp();
            throw;
        }
    }

    private void GiveUp() => Fail(_exchange.Abandon() & _sliced.Abandon() & _transfers.Abandon(), _tensors);

    private void GiveUp(MpiMessage message) => Fail(message.Abandon(), message.Tensors);

    private void Fail(bool isOver, MpiTensors tensors)
    {
        if (isOver)
        {
            tensors.Close();
            return;
        }

        lock (_kept)
        {
            tensors.Keep(_kept);
        }

        _hasUnfinished = true;
        _runtime.NoteUnfinished();
    }
}
