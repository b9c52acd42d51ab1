using System.Text;

namespace Convoy.Distributed.Rendezvous;

/// <summary>
/// Who this process is within its job, as its launcher tells it in environment variables: torchrun's (RANK, WORLD_SIZE, ...)
/// if they are set, otherwise a Kubernetes indexed Job's, Open MPI's, MPICH's (PMI) or SLURM's.
/// </summary>
/// <param name="Rank">RANK: this process's number, from 0 to <paramref name="WorldSize"/> - 1.</param>
/// <param name="WorldSize">WORLD_SIZE: how many processes the job has.</param>
/// <param name="LocalRank">LOCAL_RANK: its number on this machine. Default: <paramref name="Rank"/>.</param>
/// <param name="LocalWorldSize">LOCAL_WORLD_SIZE: how many processes of the job this machine runs. Default: <paramref name="WorldSize"/>.</param>
/// <param name="MasterAddress">MASTER_ADDR: where the store is served. Default: 127.0.0.1; for a SLURM step over several machines the first of them.</param>
/// <param name="MasterPort">
/// MASTER_PORT: the store's port, 1 to 65535. When it is not set: 0 for a single process and where <see cref="NamesStore"/> is false; for a job of SLURM, and one of
/// Open MPI on one machine, a port, and a secret when there is none, that follow from the job's identity.
/// </param>
/// <param name="JobSecret">CONVOY_JOB_SECRET: what keeps strangers out of the store; null: none.</param>
/// <param name="StoreHosted">CONVOY_STORE_HOSTED=1: the launcher serves the store. Otherwise rank 0 does.</param>
public sealed record RankEnvironment(
    int Rank, int WorldSize, int LocalRank, int LocalWorldSize, string MasterAddress, int MasterPort, string? JobSecret, bool StoreHosted)
{
    /// <summary>The variable with this process's number.</summary>
    public const string RankVariable = "RANK";

    /// <summary>The variable with the number of processes.</summary>
    public const string WorldSizeVariable = "WORLD_SIZE";

    /// <summary>The variable with this process's number on its machine.</summary>
    public const string LocalRankVariable = "LOCAL_RANK";

    /// <summary>The variable with the number of processes on this machine.</summary>
    public const string LocalWorldSizeVariable = "LOCAL_WORLD_SIZE";

    /// <summary>The variable with the store's address.</summary>
    public const string MasterAddressVariable = "MASTER_ADDR";

    /// <summary>The variable with the store's port.</summary>
    public const string MasterPortVariable = "MASTER_PORT";

    /// <summary>The variable with the job's secret.</summary>
    public const string JobSecretVariable = "CONVOY_JOB_SECRET";

    /// <summary>The variable that is 1 when the launcher serves the store.</summary>
    public const string StoreHostedVariable = "CONVOY_STORE_HOSTED";

    private const string RunIdVariable = "TORCHELASTIC_RUN_ID";

    private const string RestartCountVariable = "TORCHELASTIC_RESTART_COUNT";

    private const string AgentStoreVariable = "TORCHELASTIC_USE_AGENT_STORE";

    private const string Loopback = "127.0.0.1";

    /// <summary>A job of this process alone.</summary>
    public static RankEnvironment Alone { get; } = new(0, 1, 0, 1, Loopback, 0, null, false);

    /// <summary>Which launcher's variables gave the ranks, in words; "nothing" when none were set.</summary>
    public string Source { get; init; } = "nothing";

    /// <summary>
    /// Whether the variables say where the ranks can meet. Default: true. False for the ranks of an MPI launcher without MASTER_ADDR and MASTER_PORT, who have to meet through MPI itself;
    /// <see cref="ConnectStore"/> then throws.
    /// </summary>
    public bool NamesStore { get; init; } = true;

    /// <summary>
    /// Which start of the job this is: TORCHELASTIC_RUN_ID and TORCHELASTIC_RESTART_COUNT as "run/count"; "" when neither is set.
    /// The job's keys stand under it, so that a job which is started again does not meet the keys of its earlier start in a
    /// store, or a file, that lived on.
    /// </summary>
    public string Generation { get; init; } = "";

    /// <summary>Whether MPI's own launcher started the ranks, which is the process manager that the MPI library asks.</summary>
    internal bool AreFromMpiLauncher => RankSource.All.Any(source => source.IsMpi && source.Name == Source);

    /// <summary>Reads the variables of this process.</summary>
    /// <exception cref="RendezvousException">A variable is missing or wrong; the message names it.</exception>
    public static RankEnvironment Read() => Read(Environment.GetEnvironmentVariable);

    /// <summary>Reads the variables through <paramref name="variable"/>, which gives a variable's value or null.</summary>
    /// <exception cref="RendezvousException">A variable is missing or wrong; the message names it.</exception>
    public static RankEnvironment Read(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        RankSource? source = RankSource.All.FirstOrDefault(source => source.IsPresent(name => !string.IsNullOrEmpty(variable(name))));
        if (source is null)
        {
            return Alone;
        }

        var variables = new RankVariables(variable, source.Name);
        RankPlace place = source.Read(variables);
        return Master(variables, source, place) is var (address, port, jobSecret)
            ? Job(variables, place, address, port, jobSecret)
            : Job(variables, place, Loopback, 0) with { NamesStore = false };
    }

    /// <summary>
    /// Connects to the job's store. Rank 0 serves it, at <see cref="MasterPort"/> and on no other address than
    /// <see cref="MasterAddress"/>, so on loopback when that is a loopback one, unless the launcher does.
    /// </summary>
    /// <param name="timeout">How long to try to connect, and how long waits last by default; null: 5 minutes.</param>
    /// <param name="cancellation">Ends the attempts to connect.</param>
    /// <exception cref="RendezvousException">The store cannot be served or reached, or nothing says where it is.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was signalled.</exception>
    public Store ConnectStore(TimeSpan? timeout = null, CancellationToken cancellation = default)
    {
        if (!NamesStore)
        {
            RankSource source = RankSource.All.First(source => source.Name == Source);
            throw RankVariables.Wrong(MasterPortVariable, "not set", source.Name, source.MasterRemedy);
        }

        TcpStoreServer? server = Rank == 0 && !StoreHosted ? JobMaster.Serve(MasterAddress, MasterPort, JobSecret) : null;
        try
        {
            return OfThisGeneration(server is null
                ? new TcpStore(MasterAddress, MasterPort, JobSecret, timeout, cancellation: cancellation)
                : new TcpStore(JobMaster.OwnAddress(server), server.Port, JobSecret, timeout, server, cancellation));
        }
        catch
        {
            server?.Dispose();
            throw;
        }
    }

    /// <summary>Who this process is, without the secret.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"rank {Rank} of {WorldSize} ({LocalRank} of {LocalWorldSize} on this machine), store at {MasterAddress}:{MasterPort}, from {Source}");

    /// <summary>The job with what variables tell besides the ranks and the store's address.</summary>
    internal static RankEnvironment Job(RankVariables variables, RankPlace place, string address, int port, string? jobSecret = null)
    {
        string? hosted = variables.Text(StoreHostedVariable);
        if (hosted is not (null or "0" or "1"))
        {
            throw variables.Wrong(StoreHostedVariable, hosted, "Set it to 1 when the launcher serves the store, or leave it out.");
        }

        return new RankEnvironment(
            place.Rank, place.WorldSize, place.LocalRank, place.LocalWorldSize, address, port, variables.Text(JobSecretVariable) ?? jobSecret, hosted == "1")
        {
            Source = variables.Source,
            Generation = GenerationOf(variables),
        };
    }

    /// <summary>The store with the keys of this start of the job.</summary>
    internal Store OfThisGeneration(Store store) => Generation.Length == 0 ? store : new PrefixStore(Generation, store, ownsStore: true);

    private static string GenerationOf(RankVariables variables)
    {
        string? run = variables.Text(RunIdVariable), count = variables.Text(RestartCountVariable);
        return run is null && count is null ? "" : new StringBuilder(run ?? "run").Append('/').Append(count ?? "0").ToString();
    }

    // Null: MPI's own launcher told nothing of a store.
    private static (string Address, int Port, string? Secret)? Master(RankVariables variables, RankSource source, RankPlace place)
    {
        bool single = place.WorldSize == 1, oneMachine = place.LocalWorldSize == place.WorldSize;
        string? address = variables.Text(MasterAddressVariable) ?? (oneMachine || source is TorchrunRanks ? Loopback : source.FirstHost(variables));
        if (address is null)
        {
            return source.IsMpi ? null : throw variables.Wrong(MasterAddressVariable, "not set", source.MasterRemedy);
        }

        if (variables.Text(MasterPortVariable) is null && !single)
        {
            return source.JobIdentity(variables) is { } identity && (oneMachine || !source.IsMpi)
                ? (address, JobMaster.Derive(identity).Port, JobMaster.Derive(identity).Secret)
                : source.IsMpi ? null
                : throw variables.Wrong(MasterPortVariable, "not set", source.MasterRemedy);
        }

        // torchrun's own store speaks another protocol; rank 0 could not take its port, and the others would meet it there.
        string? agent = variables.Text(AgentStoreVariable);
        if (agent is "True" && variables.Text(StoreHostedVariable) is null && !single)
        {
            throw variables.Wrong(AgentStoreVariable, agent, "torchrun's own store holds MASTER_PORT, and Convoy needs one of its own there. Start the ranks with Convoy's launcher, or let them meet in a file (file:// URL).");
        }

        return (address, variables.Number(MasterPortVariable, single ? 0 : null, single ? 0 : 1, 65535), null);
    }
}
