using System.Diagnostics;
using System.Globalization;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.Mpi.Pmi;

/// <summary>A barrier of all ranks through the store. It ends early when a rank has given up, or a process of this host has ended.</summary>
/// <param name="store">The job's store.</param>
/// <param name="rank">This process's number.</param>
/// <param name="hosts">Which ranks there are, and where.</param>
/// <param name="timeout">How long to wait for the others.</param>
/// <param name="cancellation">Ends the wait.</param>
internal sealed class PmiBarrier(Store store, int rank, HostLayout hosts, TimeSpan timeout, CancellationToken cancellation)
{
    private const string Operation = "starting or ending MPI";

    // How often a rank that waits looks after the others.
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private int _passed;

    /// <summary>Waits until every rank has called it as often as this one.</summary>
    /// <exception cref="CollectiveTimeoutException">Some ranks did not come in time; it names them.</exception>
    /// <exception cref="PeerLostException">A rank has given up, or its process has ended.</exception>
    /// <exception cref="RendezvousException">The store is gone.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public void Pass()
    {
        int number = _passed++;
        store.Set(ArrivalKey(number, rank), "");
        if (store.Add(Key(number, "count"), 1) == hosts.Size)
        {
            store.Set(Key(number, "done"), "");
        }

        long start = Stopwatch.GetTimestamp();
        while (!IsDone(number, start))
        {
            if (GivenUp.Find(store) is { } givenUp)
            {
                throw givenUp.ToError(Operation);
            }

            foreach (int other in hosts.MembersOf(hosts.HostOf(rank)))
            {
                if (RankPresence.HasEnded(store, other) is { } ended && !store.Contains(ArrivalKey(number, other)))
                {
                    throw new PeerLostException(Operation, other, ended, leftGroup: false);
                }
            }

            if (Stopwatch.GetElapsedTime(start) >= timeout)
            {
                int[] missing = [.. Enumerable.Range(0, hosts.Size).Where(other => !store.Contains(ArrivalKey(number, other)))];
                string known = RankPresence.Fates(store, missing);
                throw new CollectiveTimeoutException(Operation, missing, timeout, known.Length > 0 ? $"What is known: {known}" : "Check whether their processes and hosts are still running, and the network between the hosts");
            }
        }
    }

    private bool IsDone(int number, long start)
    {
        TimeSpan left = timeout - Stopwatch.GetElapsedTime(start);
        try
        {
            store.Wait([Key(number, "done")], left < Look ? left > TimeSpan.Zero ? left : TimeSpan.Zero : Look, cancellation);
            return true;
        }
        catch (StoreTimeoutException)
        {
            return false;
        }
    }

    private static string ArrivalKey(int number, int rank) => Key(number, rank.ToString(CultureInfo.InvariantCulture));

    private static string Key(int number, string what) => string.Create(CultureInfo.InvariantCulture, $"pmi/barrier/{number}/{what}");
}
