using System.Globalization;
using System.Text;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.Mpi.Pmi;

/// <summary>
/// Answers the questions of one rank's MPI library by the wire protocol PMI-1 (version 1.1), out of the job's store. What starts further processes or
/// joins other jobs is refused with a result other than 0, which the library reports to whoever asked for it.
/// </summary>
/// <param name="store">The job's store.</param>
/// <param name="rank">This process's number.</param>
/// <param name="hosts">Which ranks there are, and where.</param>
/// <param name="barrier">Where the ranks wait for each other.</param>
internal sealed class PmiSession(Store store, int rank, HostLayout hosts, PmiBarrier barrier)
{
    /// <summary>The most bytes of a line. MPICH's are up to 1024, but for a refused spawn's arguments.</summary>
    public const int MaximumLineBytes = 1 << 16;

    private const string KvsName = "convoy";
    private const int MaximumKeyBytes = 256;

    // An MPICH of series 3 or 4.0 writes a put into 1024 bytes and cuts what is longer: with these it never is, and it sends long values in parts.
    private const string Maxes = "kvsname_max=64 keylen_max=64 vallen_max=866";

    private const string Refused = "rc=-1 msg=not_offered_without_mpirun";

    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(5);

    private int _spawnsToCome = -1;
    private bool _inSpawn;

    /// <summary>Answers a line.</summary>
    /// <param name="line">It, without its end.</param>
    /// <returns>The answer, without its end; null: more lines belong to the question.</returns>
    /// <exception cref="DistributedException">The line is no command of PMI-1, a rank did not come, or the library gave up.</exception>
    /// <exception cref="OperationCanceledException">A wait for other ranks was ended.</exception>
    public string? Answer(string line)
    {
        if (_inSpawn || line.StartsWith("mcmd=", StringComparison.Ordinal))
        {
            return AnswerSpawn(line);
        }

        if (!PmiCommand.TryParse(line, out PmiCommand? command))
        {
            throw Unknown(line);
        }

        switch (command.Name)
        {
            case "init":
                return command["pmi_version"] == "1" ? "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0" : "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=-1";
            case "get_maxes":
                return $"cmd=maxes {Maxes} rc=0";
            case "get_appnum":
                return "cmd=appnum appnum=0 rc=0";
            case "get_my_kvsname":
                return $"cmd=my_kvsname kvsname={KvsName} rc=0";
            case "get_universe_size":
                return string.Create(CultureInfo.InvariantCulture, $"cmd=universe_size size={hosts.Size} rc=0");
            case "put":
                return Put(command);
            case "get":
                return Get(command);
            case "barrier_in":
                barrier.Pass();
                return "cmd=barrier_out rc=0";
            case "finalize":
                SayGoodbye();
                return "cmd=finalize_ack rc=0";
            case "abort":
                throw Abort(command);
            case "publish_name":
                return $"cmd=publish_result info=refused {Refused}";
            case "unpublish_name":
                return $"cmd=unpublish_result info=refused {Refused}";
            case "lookup_name":
                return $"cmd=lookup_result info=refused {Refused}";
            case "create_kvs":
                return $"cmd=newkvs {Refused}";
            case "destroy_kvs":
                return $"cmd=kvs_destroyed {Refused}";
            case "getbyidx":
                return $"cmd=getbyidx_results {Refused} reason=not_offered_without_mpirun";
            default:
                throw Unknown(line);
        }
    }

    // Over several lines: mcmd=spawn, ..., endcmd, as often as totspawns says; there is one answer to all.
    private string? AnswerSpawn(string line)
    {
        const string Total = "totspawns=";
        _inSpawn = line != "endcmd";
        if (_spawnsToCome < 0 && line.StartsWith(Total, StringComparison.Ordinal) && int.TryParse(line.AsSpan(Total.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int total))
        {
            _spawnsToCome = total;
        }

        if (_inSpawn || --_spawnsToCome > 0)
        {
            return null;
        }

        _spawnsToCome = -1;
        return $"cmd=spawn_result {Refused}";
    }

    private string Put(PmiCommand command)
    {
        if (command["kvsname"] is not (null or KvsName))
        {
            return "cmd=put_result rc=-1 msg=unknown_kvsname";
        }

        if (command["key"] is not { Length: > 0 and <= MaximumKeyBytes } key || command["value"] is not { } value)
        {
            return "cmd=put_result rc=-1 msg=invalid_key_or_value";
        }

        store.Set(ValueKey(key), Encoding.Latin1.GetBytes(value));
        return "cmd=put_result rc=0 msg=success";
    }

    private string Get(PmiCommand command)
    {
        if (command["kvsname"] is not (null or KvsName) || command["key"] is not { Length: > 0 and <= MaximumKeyBytes } key)
        {
            return "cmd=get_result rc=-1 msg=unknown_kvsname_or_key value=unknown found=FALSE";
        }

        string? value = key == "PMI_process_mapping" ? ProcessMapping.Describe(hosts) : Find(key);
        return value is null ? "cmd=get_result rc=-1 msg=key_not_found value=unknown found=FALSE" : $"cmd=get_result rc=0 msg=success value={value}";
    }

    private string? Find(string key)
    {
        try
        {
            return Encoding.Latin1.GetString(store.Get(ValueKey(key), TimeSpan.Zero));
        }
        catch (StoreTimeoutException)
        {
            return null;
        }
    }

    // Rank 0 may serve the store: it stays until the others have heard that the last barrier is passed.
    private void SayGoodbye()
    {
        try
        {
            store.Set(GoodbyeKey(rank), "");
            if (rank == 0)
            {
                store.Wait([.. Enumerable.Range(0, hosts.Size).Select(GoodbyeKey)], Farewell);
            }
        }
        catch (DistributedException error) when (error is StoreTimeoutException or RendezvousException)
        {
            // A rank was ended after the last barrier, or rank 0 has gone already: nobody waits for anybody any more.
        }
    }

    private static MpiAbortException Abort(PmiCommand command)
    {
        string code = command["exitcode"] ?? "1";
        return new MpiAbortException(command["message"] is { Length: > 0 } message ? $"the MPI library gave up with exit code {code}: {message}" : $"the MPI library gave up with exit code {code}. What it wrote to standard error says why.");
    }

    private static RendezvousException Unknown(string line)
    {
        string shown = new([.. line.Take(80).Select(character => char.IsControl(character) ? '?' : character)]);
        return new($"the MPI library asked its process manager what PMI-1 does not have ('{shown}'). Use an MPICH of series 3 or 4, or start the program with the library's own mpirun.");
    }

    private static string ValueKey(string key) => $"pmi/kvs/{key}";

    private static string GoodbyeKey(int rank) => string.Create(CultureInfo.InvariantCulture, $"pmi/goodbye/{rank}");
}

/// <summary>The MPI library of this process has given up (PMI's abort).</summary>
internal sealed class MpiAbortException : DistributedException
{
    /// <param name="message">What it said.</param>
    public MpiAbortException(string message)
        : base(message)
    {
    }
}
