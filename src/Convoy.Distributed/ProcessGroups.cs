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
    /// <summary>The variable that names the backend.</summary>
    internal const string BackendVariable = "CONVOY_BACKEND";

    // The first that takes the job's ranks joins them: a new backend is one line here.
    private static readonly Backend[] Backends =
    [
        new(ranks => ranks.WorldSize == 1, (_, _, _) => new ProcessGroupSingle()),
        new(ranks => ranks.AreFromMpiLauncher && IsWanted("mpi"), (_, timeout, cancellation) => MeetByMpi(timeout, cancellation)),
        new(ranks => !ranks.AreFromMpiLauncher && (IsWanted("mpi") || ranks.LocalWorldSize != ranks.WorldSize), (job, timeout, cancellation) => Meet(job, timeout, store => StartMpi(job.Ranks, store, timeout, cancellation), cancellation)),
        new(ranks => ranks.LocalWorldSize == ranks.WorldSize, (job, timeout, cancellation) => Meet(
            job, timeout, store => new ProcessGroupSharedMemory(store, job.Rank, job.WorldSize, timeout, ownsStore: true, cancellation: cancellation), cancellation)),
    ];

    /// <summary>
    /// Joins the group that the launcher's environment variables describe (torchrun's, Open MPI's, MPICH's or SLURM's):
    /// <see cref="ProcessGroupSingle"/> when there is one process or nothing is set, otherwise
    /// <see cref="ProcessGroupSharedMemory"/>. Returns when all ranks have joined.
    /// </summary>
    /// <param name="timeout">How long to wait for the other ranks, now and in each operation; null: <see cref="ProcessGroup.DefaultTimeout"/>.</param>
    /// <param name="cancellation">Ends the wait for the other ranks, now.</param>
    /// <exception cref="RendezvousException">A variable is wrong, or the store cannot be reached.</exception>
    /// <exception cref="DistributedException">Some ranks did not come, or they cannot share memory.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was signalled.</exception>
    public static ProcessGroup FromEnvironment(TimeSpan? timeout = null, CancellationToken cancellation = default) => FromUrl("env://", timeout, cancellation);

    /// <summary>Joins the group whose ranks meet where <paramref name="initMethod"/> says (PyTorch's <c>init_method</c>); otherwise as <see cref="FromEnvironment"/>.</summary>
    /// <param name="initMethod"><c>env://</c>, <c>tcp://HOST:PORT?rank=R&amp;world_size=N</c> or <c>file:///PATH?rank=R&amp;world_size=N</c>, see <see cref="RendezvousUrl"/>.</param>
    /// <param name="timeout">How long to wait for the other ranks, now and in each operation; null: <see cref="ProcessGroup.DefaultTimeout"/>.</param>
    /// <param name="cancellation">Ends the wait for the other ranks, now.</param>
    /// <exception cref="RendezvousException">The URL or a variable is wrong, or the store cannot be reached.</exception>
    /// <exception cref="DistributedException">Some ranks did not come, or they cannot share memory.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was signalled.</exception>
    public static ProcessGroup FromUrl(string initMethod, TimeSpan? timeout = null, CancellationToken cancellation = default)
    {
        RendezvousUrl job = RendezvousUrl.Parse(initMethod);
        Backend backend = Array.Find(Backends, backend => backend.Takes(job.Ranks)) ?? throw new RendezvousException(FormattableString.Invariant(
            $"the ranks are spread over several machines ({job.Ranks.LocalWorldSize} of {job.Ranks.WorldSize} here), which shared memory cannot join. Start all ranks on one machine."));
        ProcessGroup group = backend.Join(job, timeout ?? ProcessGroup.DefaultTimeout, cancellation);
        (group.LocalRank, group.LocalSize) = (job.Ranks.LocalRank, job.Ranks.LocalWorldSize);
        return group;
    }

    private static bool IsWanted(string backend) => Environment.GetEnvironmentVariable(BackendVariable) == backend;

    /// <summary>For ranks on several hosts that no MPI launcher started.</summary>
    private static ProcessGroupMpi StartMpi(RankEnvironment ranks, Store store, TimeSpan timeout, CancellationToken cancellation)
    {
        RankHosts hosts = RankHosts.Exchange(store, ranks.Rank, ranks.WorldSize, RankHost.Own(ranks.LocalRank, ranks.LocalWorldSize), timeout, cancellation);
        return PmiBootstrap.Join(store, ranks.Rank, hosts, timeout, cancellation);
    }

    private static ProcessGroup MeetByMpi(TimeSpan timeout, CancellationToken cancellation)
    {
        DiagnosticSettings diagnostics = DiagnosticSettings.Read();
        var group = ProcessGroupMpi.Join(timeout, cancellation);
        return diagnostics.Apply(group, group.Store!);
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

    /// <param name="Takes">Whether it can join the ranks of a job.</param>
    /// <param name="Join">Joins them.</param>
    private sealed record Backend(Predicate<RankEnvironment> Takes, Func<RendezvousUrl, TimeSpan, CancellationToken, ProcessGroup> Join);
}
