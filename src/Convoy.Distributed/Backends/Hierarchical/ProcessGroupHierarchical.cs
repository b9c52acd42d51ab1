using Convoy.Distributed.Backends.SharedMemory;
using Convoy.Distributed.Rendezvous;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.Hierarchical;

/// <summary>
/// The group of processes on several hosts of which some run more than one: inside a host data goes through shared memory, between hosts through another group, such as MPI's. What all ranks combine or get
/// crosses the network once for each host, not once for each rank: the ranks of a host combine their tensors in shared memory, so that each of them has a slice of the result, and each exchanges its slice with the rank of the same
/// number on every other host. Hosts may run different numbers of ranks; then as many ranks of each exchange as the host with the fewest has.
/// </summary>
/// <remarks>
/// Elements are combined in the order of the ranks of each host, and the hosts' results in the order of the hosts' first ranks. float16 and bfloat16 are combined in float32 on each level and rounded once on each, as they travel in
/// their own type; their average is divided in float32 before the first rounding, all others' at the end, once. Large tensors go in chunks of some MiB: while one is between hosts, the next is combined inside.
/// Gather, scatter, all-to-all and messages between hosts go through the other group as they are, since their data crosses once whoever carries it. A rank that fails or ends is noticed by
/// those of its host within two seconds and passed on to the other hosts. A host's ranks need a common /dev/shm.
/// </remarks>
public sealed class ProcessGroupHierarchical : ProcessGroup
{
    private static readonly TimeSpan LongestPatience = TimeSpan.FromSeconds(10);

    private readonly ProcessGroup _world;
    private readonly ProcessGroupSharedMemory _local;
    private readonly ProcessGroup? _lane;
    private readonly HostLayout _layout;
    private readonly ChunkPipeline _pipeline;
    private readonly TimeSpan _patience;

    /// <summary>Makes the group from one of all ranks and one of this host's; all ranks call it together. It owns both.</summary>
    /// <param name="world">All ranks; messages and data between hosts go through it and through groups made from it. From now on it waits somewhat longer for other ranks than its timeout, so that whoever waits inside a host is the first to say who is missing.</param>
    /// <param name="local">The ranks of this host, in the order of <paramref name="world"/>. Its timeout is this group's.</param>
    /// <param name="hosts">For each rank of <paramref name="world"/> a number that tells its host from others, the same list on all ranks.</param>
    /// <param name="name">What to call the group in messages.</param>
    /// <exception cref="ArgumentException">The three do not fit each other.</exception>
    /// <exception cref="DistributedException">A rank ended or did not arrive in time.</exception>
    public ProcessGroupHierarchical(ProcessGroup world, ProcessGroupSharedMemory local, IReadOnlyList<int> hosts, string name = "default")
        : base((world ?? throw new ArgumentNullException(nameof(world))).Rank, world.Size, (local ?? throw new ArgumentNullException(nameof(local))).Timeout, name)
    {
        ArgumentNullException.ThrowIfNull(hosts);
        if (hosts.Count != world.Size)
        {
            throw new ArgumentException(FormattableString.Invariant($"the group has {world.Size} ranks, but hosts are given for {hosts.Count}."), nameof(hosts));
        }

        (_world, _local, _layout) = (world, local, new HostLayout(hosts));
        int host = _layout.HostOf(Rank);
        if (local.Size != _layout.MembersOf(host).Count || local.Rank != _layout.LocalRankOf(Rank))
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"rank {Rank} is rank {local.Rank} of {local.Size} in the group of its host, but by the hosts given it is rank {_layout.LocalRankOf(Rank)} of {_layout.MembersOf(host).Count}."), nameof(local));
        }

        _patience = Timeout / 4 < LongestPatience ? Timeout / 4 : LongestPatience;
        world.Patience = _patience;
        local.RankNames.Set(_layout.MembersOf(host));
        for (int lane = 0; lane < _layout.Lanes; lane++)
        {
            int[] members = _layout.LaneMembers(lane);
            if (world.NewPart(members, FormattableString.Invariant($"{name}/lane {lane}")) is { } made)
            {
                _lane = made;
                made.RankNames.Set(members);
                made.Patience = _patience;
                made.WhenAllArrived = ReportAllArrived;
            }
        }

        _pipeline = new ChunkPipeline(local, _lane, _layout, Rank, 2 * _patience, ReportAllArrived);
    }

    /// <summary>How many hosts there are.</summary>
    public int Hosts => _layout.HostCount;

    /// <inheritdoc/>
    internal override DistributedException? Departure(int rank, string operation) =>
        IsHere(rank) ? _local.Departure(_layout.LocalRankOf(rank), operation) : _world.Departure(rank, operation);

    /// <inheritdoc/>
    internal override void BeginDispose()
    {
        base.BeginDispose();
        _local.BeginDispose();
        _lane?.BeginDispose();
        _world.BeginDispose();
    }

    /// <inheritdoc/>
    protected override unsafe void AllReduceCore(Tensor tensor, ReduceOp op)
    {
        using DenseTensor dense = DenseTensor.From(tensor);
        LaneMemory? place = _local.FindMemory(dense.Memory);
        using IDisposable? scope = place is null ? null : NewDisposeScope();
        _pipeline.Run(Current, new Transfer(OperationKind.AllReduce, tensor.numel(), tensor.dtype, op)
        {
            Source = dense.Memory,
            Target = dense.Memory,
            Place = place,
            Whole = place is null ? null : tensor.detach().flatten(),
        });
        dense.CopyBack();
    }

    /// <inheritdoc/>
    protected override unsafe void ReduceCore(Tensor tensor, int root, ReduceOp op)
    {
        using DenseTensor dense = DenseTensor.From(tensor);
        _pipeline.Run(Current, Reduction(dense, dense, tensor, root, op));
        if (Rank == root)
        {
            dense.CopyBack();
        }
    }

    /// <inheritdoc/>
    protected override unsafe void ReduceScatterCore(Tensor output, IReadOnlyList<Tensor> inputs, ReduceOp op)
    {
        DenseTensor[] given = DenseTensor.From(inputs);
        using DenseTensor result = DenseTensor.From(output);
        try
        {
            // To each rank its own: what a host's ranks get crosses to that host only.
            _pipeline.Run(Current, [.. Enumerable.Range(0, Size).Select(rank => Reduction(given[rank], result, output, rank, op))]);
            result.CopyBack();
        }
        finally
        {
            Dispose(given);
        }
    }

    /// <inheritdoc/>
    protected override unsafe void BroadcastCore(Tensor tensor, int root)
    {
        using DenseTensor dense = DenseTensor.From(tensor);
        _pipeline.Run(Current, Copy(dense.Bytes, root, dense.Memory, Rank == root ? null : dense.Memory));
        if (Rank != root)
        {
            dense.CopyBack();
        }
    }

    /// <inheritdoc/>
    protected override void AllGatherCore(IReadOnlyList<Tensor> outputs, Tensor input)
    {
        DenseTensor[] parts = DenseTensor.From(outputs);
        using DenseTensor own = DenseTensor.From(input);
        try
        {
            if (own.Bytes * Size <= ChunkPipeline.OneLaneBytes)
            {
                GatherSmall(parts, own);
            }
            else
            {
                GatherLarge(parts, own);
            }

            foreach (DenseTensor part in parts)
            {
                part.CopyBack();
            }
        }
        finally
        {
            Dispose(parts);
        }
    }

    /// <inheritdoc/>
    protected override void GatherCore(IReadOnlyList<Tensor> outputs, Tensor input, int root)
    {
        Meet();
        _world.Gather(Rank == root ? outputs : null, input, root);
    }

    /// <inheritdoc/>
    protected override void ScatterCore(Tensor output, IReadOnlyList<Tensor> inputs, int root)
    {
        Meet();
        _world.Scatter(output, Rank == root ? inputs : null, root);
    }

    /// <inheritdoc/>
    protected override void AllToAllCore(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> inputs)
    {
        Meet();
        _world.AllToAll(outputs, inputs);
    }

    /// <inheritdoc/>
    protected override void BarrierCore()
    {
        Meet();
        if (_layout.LocalRankOf(Rank) == 0)
        {
            _lane!.Barrier();
        }

        Operation operation = Current;
        _local.RunInside(operation, lanes => lanes.Meet(operation, 2 * _patience));
        ReportAllArrived();
    }

    /// <inheritdoc/>
    protected override BackendWork? StartSend(Tensor tensor, int destination, int tag)
    {
        if (!IsHere(destination))
        {
            // Not waited for: the receiver may want a later one first.
            return _world.StartSendWithin(tensor, destination, tag);
        }

        _local.Send(tensor, _layout.LocalRankOf(destination), tag);
        return null;
    }

    /// <inheritdoc/>
    protected override void ReceiveCore(Tensor tensor, int source, int tag)
    {
        if (IsHere(source))
        {
            _local.Receive(tensor, _layout.LocalRankOf(source), tag);
        }
        else
        {
            _world.Receive(tensor, source, tag);
        }
    }

    /// <summary>Memory of the host: all-reduce on it, or on a contiguous part of it, copies nothing inside the host, and slices travel from there.</summary>
    protected override Tensor AllocateBufferCore(long count, ScalarType dtype) => _local.AllocateBuffer(count, dtype);

    /// <summary>A group of ranks of one host is one of shared memory, one with one rank of each host is made by the group of all, any other is of several hosts again.</summary>
    protected override ProcessGroup? NewGroupCore(IReadOnlyList<int> ranks, string name)
    {
        RequireSameMembers(ranks);
        HostLayout layout = _layout.Of(ranks);
        int host = _layout.HostOf(Rank);
        int[] here = [.. ranks.Where(rank => _layout.HostOf(rank) == host).Select(_layout.LocalRankOf)];
        bool hasRoommates = layout.Size > layout.HostCount;

        // Each host for itself: those of other hosts have no part in it.
        ProcessGroup? local = here.Length > 0 && hasRoommates ? _local.NewPart(here, name) : null;
        if (layout.HostCount == 1 && hasRoommates)
        {
            return local;
        }

        ProcessGroup? world = _world.NewPart(ranks, name);
        return world is null || !hasRoommates ? world
            : new ProcessGroupHierarchical(world, (ProcessGroupSharedMemory)local!, [.. ranks.Select(_layout.HostOf)], name);
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<int> MissingRanks() =>
        [.. _local.PresentlyMissingRanks.Concat(_lane?.PresentlyMissingRanks ?? []).Concat(_world.PresentlyMissingRanks).Distinct().Order()];

    /// <summary>Lets the ranks of this host know, and those of the others that wait for this one.</summary>
    protected override void OnFailed(Exception error)
    {
        _local.Break(error);
        _lane?.Break(error);
        _world.Break(error);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _pipeline.Dispose();
            _lane?.Dispose();
            _local.Dispose();
            _world.Dispose();
        }

        base.Dispose(disposing);
    }

    private static void Dispose(DenseTensor[] tensors)
    {
        foreach (DenseTensor tensor in tensors)
        {
            tensor.Dispose();
        }
    }

    private static unsafe Transfer Copy(long bytes, int root, byte* source, byte* target) => new(OperationKind.Broadcast, bytes, ScalarType.Byte, root: root) { Source = source, Target = target };

    private unsafe Transfer Reduction(in DenseTensor input, in DenseTensor output, Tensor like, int root, ReduceOp op) =>
        new(OperationKind.Reduce, like.numel(), like.dtype, op, root) { Source = input.Memory, Target = Rank == root ? output.Memory : null };

    private bool IsHere(int rank) => _layout.HostOf(rank) == _layout.HostOf(Rank);

    // Ranks of this host that do something else are found here.
    private void Meet()
    {
        Operation operation = Current;
        _local.RunInside(operation, lanes => lanes.Meet(operation));
    }

    /// <summary>Every rank fills in its own part of what is otherwise zeros: one exchange for all.</summary>
    private unsafe void GatherSmall(DenseTensor[] parts, in DenseTensor own)
    {
        byte[] all = new byte[own.Bytes * Size];
        fixed (byte* memory = all)
        {
            Buffer.MemoryCopy(own.Memory, memory + (Rank * own.Bytes), own.Bytes, own.Bytes);
            _pipeline.Run(Current, new Transfer(OperationKind.AllReduce, all.Length, ScalarType.Byte, ReduceOp.BitwiseOr) { Source = memory, Target = memory });
            for (int rank = 0; rank < Size; rank++)
            {
                Buffer.MemoryCopy(memory + (rank * own.Bytes), parts[rank].Memory, own.Bytes, own.Bytes);
            }
        }
    }

    private unsafe void GatherLarge(DenseTensor[] parts, in DenseTensor own)
    {
        var transfers = new Transfer[Size];
        for (int rank = 0; rank < Size; rank++)
        {
            transfers[rank] = Copy(own.Bytes, rank, own.Memory, parts[rank].Memory);
        }

        _pipeline.Run(Current, transfers);
    }

    private void RequireSameMembers(IReadOnlyList<int> ranks)
    {
        using var scope = NewDisposeScope();
        long[] own = [ranks.Count, .. ranks, .. new long[Size - ranks.Count]];
        Tensor[] all = [.. Enumerable.Range(0, Size).Select(_ => zeros(own.Length, ScalarType.Int64))];
        AllGatherCore(all, tensor(own));
        for (int rank = 0; rank < Size; rank++)
        {
            long[] other = all[rank].data<long>().ToArray();
            if (!other.SequenceEqual(own))
            {
                throw CollectiveMismatchException.OfNewGroup(Rank, string.Join(", ", ranks), rank, string.Join(", ", other.Skip(1).Take((int)other[0])));
            }
        }
    }
}
