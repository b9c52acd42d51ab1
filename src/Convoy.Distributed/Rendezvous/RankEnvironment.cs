using System.Globalization;

namespace Convoy.Distributed.Rendezvous;

/// <summary>
/// Who this process is within its job, as the launcher tells it in torchrun's environment variables.
/// </summary>
/// <param name="Rank">RANK: this process's number, from 0 to <paramref name="WorldSize"/> - 1.</param>
/// <param name="WorldSize">WORLD_SIZE: how many processes the job has.</param>
/// <param name="LocalRank">LOCAL_RANK: its number on this machine. Default: <paramref name="Rank"/>.</param>
/// <param name="LocalWorldSize">LOCAL_WORLD_SIZE: how many processes of the job this machine runs. Default: <paramref name="WorldSize"/>.</param>
/// <param name="MasterAddress">MASTER_ADDR: where the store is served. Default: 127.0.0.1.</param>
/// <param name="MasterPort">MASTER_PORT: the store's port, 1 to 65535. 0 when <paramref name="WorldSize"/> is 1 and nothing is set.</param>
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

    /// <summary>A job of this process alone.</summary>
    public static RankEnvironment Alone { get; } = new(0, 1, 0, 1, "127.0.0.1", 0, null, false);

    /// <summary>Reads the variables of this process.</summary>
    /// <exception cref="Errors.RendezvousException">A variable is missing or wrong; the message names it.</exception>
    public static RankEnvironment Read() => Read(Environment.GetEnvironmentVariable);

    /// <summary>Reads the variables through <paramref name="variable"/>, which gives a variable's value or null.</summary>
    /// <exception cref="Errors.RendezvousException">A variable is missing or wrong; the message names it.</exception>
    public static RankEnvironment Read(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        string? Value(string name) => variable(name) is { Length: > 0 } value ? value : null;
        if (Value(RankVariable) is null && Value(WorldSizeVariable) is null)
        {
            return Alone;
        }

        int worldSize = Number(WorldSizeVariable, null, 1, 65536);
        int rank = Number(RankVariable, null, 0, worldSize - 1);
        int localWorldSize = Number(LocalWorldSizeVariable, worldSize, 1, worldSize);
        int localRank = Number(LocalRankVariable, localWorldSize == worldSize ? rank : null, 0, localWorldSize - 1);
        int port = Number(MasterPortVariable, worldSize == 1 ? 0 : null, worldSize == 1 ? 0 : 1, 65535);
        string? hosted = Value(StoreHostedVariable);
        return hosted is not (null or "0" or "1")
            ? throw Wrong(StoreHostedVariable, hosted, "Set it to 1 when the launcher serves the store, or leave it out.")
            : new RankEnvironment(rank, worldSize, localRank, localWorldSize, Value(MasterAddressVariable) ?? "127.0.0.1", port, Value(JobSecretVariable), hosted == "1");

        int Number(string name, int? fallback, int least, int most)
        {
            string remedy = FormattableString.Invariant($"Set it to a whole number from {least} to {most}, or start the program with a launcher, which sets it.");
            return Value(name) is not { } text ? fallback ?? throw Wrong(name, "not set", remedy)
                : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most ? number
                : throw Wrong(name, text, remedy);
        }
    }

    /// <summary>
    /// Connects to the job's store. Rank 0 serves it, on <see cref="MasterPort"/> and on loopback when the address is a loopback
    /// one, unless the launcher does.
    /// </summary>
    /// <param name="timeout">How long to try to connect, and how long waits last unless told otherwise; null: 5 minutes.</param>
    /// <exception cref="Errors.RendezvousException">The store cannot be served or reached.</exception>
    public Store ConnectStore(TimeSpan? timeout = null)
    {
        TcpStoreServer? server = Rank == 0 && !StoreHosted ? new TcpStoreServer(ListenAddress(), MasterPort, JobSecret) : null;
        try
        {
            int port = server?.Port ?? MasterPort;
            return new TcpStore(server is null ? MasterAddress : "127.0.0.1", port, JobSecret, timeout, server);
        }
        catch
        {
            server?.Dispose();
            throw;
        }
    }

    // Only a job over several machines needs to be reached from outside.
    private System.Net.IPAddress ListenAddress() => LocalWorldSize == WorldSize ? System.Net.IPAddress.Loopback : System.Net.IPAddress.Any;

    private static Errors.RendezvousException Wrong(string name, string value, string remedy) =>
        new($"environment variable {name} is wrong ({value}). {remedy}");
}
