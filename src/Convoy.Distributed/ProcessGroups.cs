using Convoy.Distributed.Backends.Hierarchical;
using Convoy.Distributed.Backends.Mpi;
using Convoy.Distributed.Backends.Mpi.Pmi;
using Convoy.Distributed.Backends.SharedMemory;
using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Diagnostics;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed;

/// <summary>
/// Joins the group of a job (PyTorch's <c>init_process_group</c>). This is the one place that knows all backends and what is put
/// around them: <see cref="ProcessGroup"/> knows neither.
/// </summary>
public static class ProcessGroups
{
    /// <summary>The variable that names the backend: one of <see cref="BackendNames"/>. Not set: <c>auto</c>.</summary>
    public const string BackendVariable = "CONVOY_BACKEND";

    private const string Auto = "auto";
    private const string SharedMemory = "shared-memory";
    private const string Mpi = "mpi";
    private const string Hierarchical = "hierarchical";

    // The first that serves the name asked for and takes the job's ranks joins them: a new backend is one line here.
    private static readonly Backend[] Backends =
    [
        new([Auto, SharedMemory, Mpi, Hierarchical], ranks => ranks.WorldSize == 1, (_, _, _) => new ProcessGroupSingle()),
        new([Auto, SharedMemory, Hierarchical], ranks => AreOnOneHost(ranks) && ranks.NamesStore, (job, timeout, cancellation) => Meet(
            job, timeout, store => new ProcessGroupSharedMemory(store, job.Rank, job.WorldSize, timeout, ownsStore: true, cancellation: cancellation), cancellation)),
        new([Auto, Hierarchical], _ => true, (job, timeout, cancellation) => MeetByMpi(job, timeout, world => HostGroups.Join(world, world.Hosts, cancellation), cancellation)),
        new([SharedMemory], AreOnOneHost, (job, timeout, cancellation) => MeetByMpi(job, timeout, world => RequireSharedMemory(HostGroups.Join(world, world.Hosts, cancellation)), cancellation)),
        new([Mpi], _ => true, (job, timeout, cancellation) => MeetByMpi(job, timeout, world => world, cancellation)),
    ];

    /// <summary>
    /// The names of backends. <c>auto</c>: shared memory where all ranks are on one host, otherwise <c>hierarchical</c>. <c>shared-memory</c>: only that. <c>mpi</c>: MPI between all ranks. <c>hierarchical</c>: shared memory
    /// inside a host and MPI between hosts, which is shared memory alone on one host, and MPI alone where each host runs one rank.
    /// </summary>
    public static IReadOnlyList<string> BackendNames { get; } = [Auto, SharedMemory, Mpi, Hierarchical];

    /// <summary>
    /// Joins the group that the launcher's environment variables describe (torchrun's, a Kubernetes indexed Job's, Open MPI's, MPICH's or SLURM's):
    /// <see cref="ProcessGroupSingle"/> when there is one process or nothing is set, otherwise what CONVOY_BACKEND names (<see cref="BackendNames"/>); by default
    /// <see cref="ProcessGroupSharedMemory"/> when all ranks are on one host, <see cref="ProcessGroupHierarchical"/> over several, <see cref="ProcessGroupMpi"/> where each of these runs one rank. Returns when all ranks have joined.
    /// </summary>
    /// <param name="timeout">How long to wait for the other ranks, now and in each operation; null: <see cref="ProcessGroup.DefaultTimeout"/>.</param>
    /// <param name="cancellation">Ends the wait for the other ranks, now.</param>
    /// <exception cref="RendezvousException">A variable is wrong, or the store cannot be reached.</exception>
    /// <exception cref="DistributedException">Some ranks did not come, they cannot share memory, or there is no MPI library.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was signalled.</exception>
    public static ProcessGroup FromEnvironment(TimeSpan? timeout = null, CancellationToken cancellation = default) => FromUrl("env://", timeout, cancellation);

    /// <summary>Joins the group whose ranks meet where <paramref name="initMethod"/> says (PyTorch's <c>init_method</c>); otherwise as <see cref="FromEnvironment"/>.</summary>
    /// <param name="initMethod"><c>env://</c>, <c>tcp://HOST:PORT?rank=R&amp;world_size=N</c> or <c>file:///PATH?rank=R&amp;world_size=N</c>, see <see cref="RendezvousUrl"/>.</param>
    /// <param name="timeout">How long to wait for the other ranks, now and in each operation; null: <see cref="ProcessGroup.DefaultTimeout"/>.</param>
    /// <param name="cancellation">Ends the wait for the other ranks, now.</param>
    /// <exception cref="RendezvousException">The URL or a variable is wrong, or the store cannot be reached.</exception>
    /// <exception cref="DistributedException">Some ranks did not come, they cannot share memory, or there is no MPI library.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was signalled.</exception>
    public static ProcessGroup FromUrl(string initMethod, TimeSpan? timeout = null, CancellationToken cancellation = default)
    {
        string wanted = ChosenBackend(Environment.GetEnvironmentVariable);
        RendezvousUrl job = RendezvousUrl.Parse(initMethod);
        Backend backend = Array.Find(Backends, backend => backend.Names.Contains(wanted) && backend.Takes(job.Ranks)) ?? throw new RendezvousException(FormattableString.Invariant(
            $"the ranks are spread over several machines ({job.Ranks.LocalWorldSize} of {job.Ranks.WorldSize} here), which shared memory cannot join. Choose the backend {Auto} or {Hierarchical} ({BackendVariable}), or start all ranks on one machine."));
        ProcessGroup group = backend.Join(job, timeout ?? ProcessGroup.DefaultTimeout, cancellation);
        (group.LocalRank, group.LocalSize) = (job.Ranks.LocalRank, job.Ranks.LocalWorldSize);
        return group;
    }

    /// <summary>The backend that the environment asks for.</summary>
    /// <param name="variable">Gives a variable's value or null.</param>
    /// <exception cref="RendezvousException">There is none of that name.</exception>
    internal static string ChosenBackend(Func<string, string?> variable) =>
        variable(BackendVariable) is not { Length: > 0 } name ? Auto
        : BackendNames.Contains(name) ? name
        : throw new RendezvousException($"environment variable {BackendVariable} is invalid ({name}). Set it to one of {string.Join(", ", BackendNames)}, or leave it out.");

    private static ProcessGroup RequireSharedMemory(ProcessGroup group)
    {
        if (group is ProcessGroupSharedMemory)
        {
            return group;
        }

        group.Dispose();
        throw new SharedMemoryException($"the ranks cannot share memory, which {BackendVariable}={SharedMemory} asks for. Give them one /dev/shm, or choose the backend {Auto}.");
    }

    private static bool AreOnOneHost(RankEnvironment ranks) => ranks.LocalWorldSize == ranks.WorldSize;

    /// <summary>Has the ranks meet by MPI, which their launcher starts, or which is started through the job's store.</summary>
    private static ProcessGroup MeetByMpi(RendezvousUrl job, TimeSpan timeout, Func<ProcessGroupMpi, ProcessGroup> arrange, CancellationToken cancellation)
    {
        if (!job.Ranks.AreFromMpiLauncher)
        {
            return Meet(job, timeout, store => Arrange(StartMpi(job.Ranks, store, timeout, cancellation), arrange), cancellation);
        }

        DiagnosticSettings diagnostics = DiagnosticSettings.Read();
        var world = ProcessGroupMpi.Join(timeout, cancellation);
        if (world.Size != job.Ranks.WorldSize)
        {
            // Each process is then a job of its own to the library.
            string message = FormattableString.Invariant(
                $"MPI finds {world.Size} of the {job.Ranks.WorldSize} processes that the launcher has started ({world.Library}; the ranks come from {job.Ranks.Source}). Start the program with the library's own mpirun, or tell the launcher to serve the library (srun --mpi=pmix or --mpi=pmi2).");
            world.Dispose();
            throw new RendezvousException(message);
        }

        ProcessGroup group = Arrange(world, arrange);
        return diagnostics.Apply(group, group.Store!);
    }

    private static ProcessGroup Arrange(ProcessGroupMpi world, Func<ProcessGroupMpi, ProcessGroup> arrange)
    {
        try
        {
            return arrange(world);
        }
        catch
        {
            world.Dispose();
            throw;
        }
    }

    /// <summary>For ranks that no MPI launcher started.</summary>
    private static ProcessGroupMpi StartMpi(RankEnvironment ranks, Store store, TimeSpan timeout, CancellationToken cancellation)
    {
        HostLayout hosts = RankLocations.Exchange(store, ranks.Rank, ranks.WorldSize, RankLocation.Own(ranks.LocalRank, ranks.LocalWorldSize), timeout, cancellation);
        return PmiBootstrap.Join(store, ranks.Rank, hosts, timeout, cancellation);
    }

    /// <summary>For a backend whose ranks meet in the job's store: connects to it, and puts around the group what the environment asks for.</summary>
    private static ProcessGroup Meet(RendezvousUrl job, TimeSpan timeout, Func<Store, ProcessGroup> join, CancellationToken cancellation)
    {
        Store store = job.ConnectStore(timeout, cancellation);
        try
        {
            DiagnosticSettings diagnostics = DiagnosticSettings.Read();
            RankPresence.Publish(store, job.Rank);
            return diagnostics.Apply(join(store), store);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <param name="Names">The names that it serves.</param>
    /// <param name="Takes">Whether it can join the ranks of a job.</param>
    /// <param name="Join">Joins them.</param>
    private sealed record Backend(string[] Names, Predicate<RankEnvironment> Takes, Func<RendezvousUrl, TimeSpan, CancellationToken, ProcessGroup> Join);
}
