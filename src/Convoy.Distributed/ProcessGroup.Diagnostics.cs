using Convoy.Distributed.Diagnostics;
using Convoy.Distributed.Backends.SharedMemory;
using Convoy.Distributed.Errors;
using Convoy.Distributed.Rendezvous;
using TorchSharp;

namespace Convoy.Distributed;

/// <content>What helps to find out why ranks wait for each other.</content>
public abstract partial class ProcessGroup
{
    private MonitoredBarrier? _monitoredBarrier;

    /// <summary>
    /// The store in which the ranks met, under this group's name where it was made from another. It belongs to the group; null
    /// unless <see cref="FromEnvironment"/> made the group and has several ranks.
    /// </summary>
    public Store? Store { get; internal set; }

    /// <summary>Keeps the last operations, and writes them when one fails; null unless <see cref="FromEnvironment"/> made the group and has several ranks.</summary>
    public FlightRecorder? FlightRecorder { get; internal set; }

    /// <summary>Told when all ranks have begun a collective operation: by a group to the one that is wrapped around it.</summary>
    internal Action? WhenAllArrived { get; set; }

    /// <summary>The ranks that have not begun the present collective operation.</summary>
    internal IReadOnlyList<int> PresentlyMissingRanks => MissingRanks();

    /// <summary>The device whose tensors this group takes.</summary>
    internal DeviceType TensorDevice => Device;

    /// <summary>
    /// A barrier that finds out who does not come, as PyTorch's <c>monitored_barrier</c>: rank 0 lists all missing ranks, the
    /// others tell what rank 0 found. It goes through the store and waits for no operation of the group, so it also works while
    /// operations are stuck and after one failed, and it leaves the group as it is.
    /// </summary>
    /// <param name="timeout">How long to wait for the others; null: the group's <see cref="Timeout"/>.</param>
    /// <exception cref="CollectiveTimeoutException">Some ranks did not come, or have ended.</exception>
    /// <exception cref="PeerLostException">The process of rank 0 has ended.</exception>
    /// <exception cref="RendezvousException">The store is gone.</exception>
    /// <exception cref="NotSupportedException">The group has several ranks and no store.</exception>
    public void MonitoredBarrier(TimeSpan? timeout = null)
    {
        if (Size > 1)
        {
            Store store = Store ?? throw new NotSupportedException($"the process group {Name} has no store, which a monitored barrier needs. Use Barrier.");
            _monitoredBarrier ??= new MonitoredBarrier(new PrefixStore($"monitored-barrier/{Name}", store), Rank, Size, Name, rank => RankPresence.HasEnded(store, rank), rank => Departure(rank, nameof(MonitoredBarrier)));
            _monitoredBarrier.Wait(timeout ?? Timeout);
        }
    }

    /// <summary>The error that a rank has left the group, in order or after a failure that it noted, for this rank, which waits for it in <paramref name="operation"/>; null: it has not, or the backend cannot tell.</summary>
    internal virtual DistributedException? Departure(int rank, string operation) => null;

    /// <summary>Says that the group is being disposed; also to a group within this one, whose operation this one may wait for.</summary>
    internal virtual void BeginDispose() => Volatile.Write(ref _disposing, 1);
}
