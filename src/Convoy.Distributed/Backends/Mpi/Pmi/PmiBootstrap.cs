using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.Mpi.Pmi;

/// <summary>
/// Brings a process that no MPI launcher started to MPI: with MPICH or a relative, whose process manager this process is itself (<see cref="PmiServer"/>). Open MPI cannot be started so: it
/// needs daemons of its own on every host.
/// </summary>
internal sealed class PmiBootstrap : IMpiBootstrap
{
    // MPI asks for its process manager once more when it ends, with the process, so the connection is the process's.
    private static readonly Lock Starting = new();
    private static PmiServer? _server;
    private static int _joined;

    private PmiBootstrap(Store store) => Store = store;

    /// <inheritdoc/>
    public MpiImplementation? Implementation => MpiImplementation.Mpich;

    /// <inheritdoc/>
    public Store Store { get; }

    /// <summary>Starts MPI and joins the group of all ranks; returns when all have. All ranks call it together.</summary>
    /// <param name="store">The job's store. When this returns, it is MPI's until the process ends, also when the group is disposed; when it throws, it is the caller's.</param>
    /// <param name="rank">This process's number.</param>
    /// <param name="hosts">Which ranks there are, and where.</param>
    /// <param name="timeout">How long to wait for the others, now and in each operation.</param>
    /// <param name="cancellation">Ends the wait for the others.</param>
    /// <exception cref="MpiException">There is no MPICH, or it does not start.</exception>
    /// <exception cref="DistributedException">A rank did not come, has given up or ended; it is named.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public static ProcessGroupMpi Join(Store store, int rank, RankHosts hosts, TimeSpan timeout, CancellationToken cancellation)
    {
        lock (Starting)
        {
            var bootstrap = new PmiBootstrap(new PrefixStore(FormattableString.Invariant($"group/{++_joined}"), store));
            return _server is null ? Start(bootstrap, store, rank, hosts, timeout, cancellation) : ProcessGroupMpi.Join(bootstrap, timeout, cancellation);
        }
    }

    /// <inheritdoc/>
    public void Prepare()
    {
        // The process manager answers already.
    }

    private static ProcessGroupMpi Start(PmiBootstrap bootstrap, Store store, int rank, RankHosts hosts, TimeSpan timeout, CancellationToken cancellation)
    {
        var server = new PmiServer(store, rank, hosts, timeout, cancellation);
        try
        {
            ProcessGroupMpi group = server.Run("starting MPI", () => ProcessGroupMpi.Join(bootstrap, timeout, cancellation));
            if (group.Size != hosts.RankCount)
            {
                group.Dispose();
                throw new MpiException(FormattableString.Invariant(
                    $"{group.Library} {(server.WasAsked ? "was started" : "has another process manager than PMI-1 built in, and was started")} as one of {group.Size} ranks instead of {hosts.RankCount}. Install MPICH with its own process manager (Debian: libmpich12), or start the program with the library's own mpirun."));
            }

            _server = server;
            return group;
        }
        catch (MpiException error) when (!server.WasAsked)
        {
            server.Dispose();
            throw new MpiException($"the ranks run on several hosts and MPI's own launcher did not start them, which takes MPICH on every host (Debian: libmpich12; Open MPI starts by its own mpirun only): {error.Message}", error);
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }
}
