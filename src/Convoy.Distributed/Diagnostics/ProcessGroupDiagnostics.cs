using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Diagnostics;

/// <summary>What a process group offers besides to find out why ranks wait for each other.</summary>
public static class ProcessGroupDiagnostics
{
    /// <param name="group">The group.</param>
    extension(ProcessGroup group)
    {
        /// <summary>Keeps the group's last operations, and writes them when one fails; null unless <see cref="ProcessGroups.FromEnvironment"/> made the group and it has several ranks.</summary>
        public FlightRecorder? FlightRecorder => group.Observers.OfType<FlightRecorder>().FirstOrDefault();

        /// <summary>
        /// A barrier that finds out who does not come, as PyTorch's <c>monitored_barrier</c>: rank 0 lists all missing ranks, the
        /// others tell what rank 0 found. It goes through the store and waits for no operation of the group, so it also works while
        /// operations are stuck and after one failed, and it leaves the group as it is.
        /// </summary>
        /// <param name="timeout">How long to wait for the others; null: the group's <see cref="ProcessGroup.Timeout"/>.</param>
        /// <exception cref="CollectiveTimeoutException">Some ranks did not come, or have ended.</exception>
        /// <exception cref="PeerLostException">The process of rank 0 has ended.</exception>
        /// <exception cref="RendezvousException">The store is gone.</exception>
        /// <exception cref="NotSupportedException">The group has several ranks and no store.</exception>
        public void MonitoredBarrier(TimeSpan? timeout = null)
        {
            if (group.Size == 1)
            {
                return;
            }

            Store store = group.Store ?? throw new NotSupportedException($"the process group {group.Name} has no store, which a monitored barrier needs. Use Barrier.");
            new MonitoredBarrier(
                new PrefixStore($"monitored-barrier/{group.Name}", store),
                group.Rank,
                group.Size,
                group.Name,
                rank => RankPresence.HasEnded(store, rank),
                rank => group.Departure(rank, nameof(MonitoredBarrier))).Wait(timeout ?? group.Timeout);
        }
    }
}
