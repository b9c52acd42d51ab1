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

    private readonly PmiServer _process;

    private PmiBootstrap(PmiServer process, Store store)
    {
        _process = process;
        Store = store;
    }

    /// <inheritdoc/>
    public MpiImplementation? Implementation => MpiImplementation.Mpich;

    /// <inheritdoc/>
    public Store Store { get; }

    /// <inheritdoc/>
    public int? ManagerConnection => _process.LibrarysEnd;

    /// <summary>Starts MPI and joins the group of all ranks; returns when all have. All ranks call it together.</summary>
    /// <param name="store">The job's store. When this returns, it is MPI's until the process ends, also when the group is disposed; when it throws, it is the caller's.</param>
    /// <param name="rank">This process's number.</param>
    /// <param name="hosts">Which ranks there are, and where.</param>
    /// <param name="timeout">How long to wait for the others, now and in each operation.</param>
    /// <param name="cancellation">Ends the wait for the others.</param>
    /// <exception cref="MpiException">There is no MPICH, or it does not start.</exception>
    /// <exception cref="DistributedException">A rank did not come, has given up or ended; it is named.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public static ProcessGroupMpi Join(Store store, int rank, HostLayout hosts, TimeSpan timeout, CancellationToken cancellation)
    {
        lock (Starting)
        {
            PmiServer process = _server ?? new PmiServer(store, rank, hosts, timeout, cancellation);
            try
            {
                // The group closes its store, and MPI needs the job's until the process ends.
                var bootstrap = new PmiBootstrap(process, new PrefixStore(FormattableString.Invariant($"group/{++_joined}"), store));
                ProcessGroupMpi group = ProcessGroupMpi.Join(bootstrap, timeout, cancellation);
                RequireAll(group, hosts.Size, process);
                _server = process;
                return group;
            }
            catch (MpiException error) when (!process.WasAsked)
            {
                process.Dispose();
                throw new MpiException(
                    $"the ranks run on several hosts and MPI's own launcher did not start them, which takes MPICH on every host (Debian: libmpich12; Open MPI starts by its own mpirun only): {error.Message}", error);
            }
            catch when (_server is null)
            {
                process.Dispose();
                throw;
            }
        }
    }

    /// <inheritdoc/>
    public void Prepare()
    {
        // The process manager answers already.
    }

    /// <inheritdoc/>
    public T Run<T>(string operation, Func<T> call) => _process.Run(operation, call);

    private static void RequireAll(ProcessGroupMpi group, int size, PmiServer process)
    {
        if (group.Size == size)
        {
            return;
        }

        var error = new MpiException(FormattableString.Invariant(
            $"{group.Library} started as one of {group.Size} ranks instead of {size}{(process.WasAsked ? "" : ", since it has no process manager of PMI-1 built in")}. Install MPICH with its own process manager (Debian: libmpich12), or start the program with the library's own mpirun."));
        group.Dispose();
        throw error;
    }
}
