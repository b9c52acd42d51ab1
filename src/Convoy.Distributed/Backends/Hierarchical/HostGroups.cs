using System.Globalization;
using Convoy.Distributed.Backends.SharedMemory;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.Hierarchical;

/// <summary>Finds out which ranks of a group can share memory, and makes the group that is best for them.</summary>
internal static class HostGroups
{
    /// <summary>
    /// Joins the ranks of each host: all ranks share one memory, a <see cref="ProcessGroupSharedMemory"/>; no two do, <paramref name="world"/> itself; otherwise a <see cref="ProcessGroupHierarchical"/>. All
    /// ranks call it together.
    /// </summary>
    /// <param name="world">All ranks, with their store; it belongs to the result.</param>
    /// <param name="hosts">For each rank a number that tells its host from others. Ranks of one host that cannot share memory after all, as in containers, are taken for ranks of different hosts.</param>
    /// <param name="cancellation">Ends the wait for the other ranks.</param>
    /// <exception cref="DistributedException">Some ranks did not come.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public static ProcessGroup Join(ProcessGroup world, IReadOnlyList<int> hosts, CancellationToken cancellation)
    {
        int own = hosts[world.Rank];
        int[] here = [.. Enumerable.Range(0, world.Size).Where(rank => hosts[rank] == own)];
        ProcessGroupSharedMemory? local = here.Length == 1 ? null : TryJoin(world, string.Create(CultureInfo.InvariantCulture, $"host/{own}"), here, cancellation);
        try
        {
            bool[] shares = [.. RankNumbers.AllGather(world, local is null ? 0 : 1).Select(numbers => numbers[0] != 0)];
            int[] found = [.. Enumerable.Range(0, world.Size).Select(rank => Enumerable.Range(0, world.Size).All(other => hosts[other] != hosts[rank] || shares[other]) ? hosts[rank] : -1 - rank)];
            var layout = new HostLayout(found);
            if (layout.HostCount == layout.Size)
            {
                local?.Dispose();
                return world;
            }

            if (found[world.Rank] < 0)
            {
                local?.Dispose();
                local = TryJoin(world, string.Create(CultureInfo.InvariantCulture, $"rank/{world.Rank}"), [world.Rank], cancellation) ?? throw new SharedMemoryException("there is no shared memory on this host. Mount a tmpfs at /dev/shm, or choose the backend mpi.");
            }

            if (layout.HostCount == 1)
            {
                local!.Own(world);
                return local;
            }

            return new ProcessGroupHierarchical(world, local!, found) { Store = world.Store };
        }
        catch
        {
            local?.Dispose();
            throw;
        }
    }

    // Null: they cannot, which all of them find.
    private static ProcessGroupSharedMemory? TryJoin(ProcessGroup world, string place, int[] ranks, CancellationToken cancellation)
    {
        var store = new PrefixStore(place, world.Store!);
        int rank = Array.IndexOf(ranks, world.Rank);
        RankPresence.Publish(store, rank);
        try
        {
            return new ProcessGroupSharedMemory(IPlatform.Current, store, rank, ranks.Length, world.Timeout, rankNames: ranks, cancellation: cancellation);
        }
        catch (SharedMemoryException)
        {
            return null;
        }
    }
}
