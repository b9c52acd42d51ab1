using System.Globalization;
using System.Text;

namespace Convoy.Distributed.Rendezvous;

/// <summary>A launcher whose variables tell a process its rank.</summary>
internal abstract class RankSource
{
    /// <summary>All of them; the first that is present counts.</summary>
    public static IReadOnlyList<RankSource> All { get; } = [new IndexedJobRanks(), new TorchrunRanks(), new OpenMpiRanks(), new PmiRanks(), new SlurmRanks()];

    /// <summary>The launcher's name.</summary>
    public abstract string Name { get; }

    /// <summary>Whether its variables are set.</summary>
    public abstract bool IsPresent(Func<string, bool> isSet);

    /// <summary>Reads them.</summary>
    /// <exception cref="RendezvousException">One is missing or wrong.</exception>
    public abstract RankPlace Read(RankVariables variables);

    /// <summary>Whether it is MPI's own, so that the ranks can meet through MPI where nothing is said of a store.</summary>
    public virtual bool IsMpi => false;

    /// <summary>
    /// A text that is the same in all processes of this job and different in any other, from which the job gets its
    /// port when MASTER_PORT is not set; null: the launcher tells none.
    /// </summary>
    public virtual string? JobIdentity(RankVariables variables) => null;

    /// <summary>The machine of rank 0, for a job over several machines without MASTER_ADDR; null: the launcher tells none.</summary>
    public virtual string? FirstHost(RankVariables variables) => null;

    /// <summary>What to do when MASTER_ADDR or MASTER_PORT is missing.</summary>
    public abstract string MasterRemedy { get; }

    /// <summary>The local rank and size where two variables tell them; one machine is assumed when they are not set.</summary>
    private protected static RankPlace Place(RankVariables variables, string rankName, string worldSizeName, string localRankName, string localWorldSizeName)
    {
        int worldSize = variables.Number(worldSizeName, null, 1, RankPlace.MaximumRanks);
        int rank = variables.Number(rankName, null, 0, worldSize - 1);
        int localWorldSize = variables.Number(localWorldSizeName, worldSize, 1, worldSize);
        int localRank = variables.Number(localRankName, localWorldSize == worldSize ? rank : null, 0, localWorldSize - 1);
        return new RankPlace(rank, worldSize, localRank, localWorldSize);
    }
}

/// <summary>torchrun's variables, which Convoy's launcher sets too.</summary>
internal sealed class TorchrunRanks : RankSource
{
    public override string Name => "RANK and WORLD_SIZE";

    public override string MasterRemedy => "Set it to a port that is free on the machine of rank 0, from 1 to 65535, or start the program with a launcher, which sets it.";

    public override bool IsPresent(Func<string, bool> isSet) => isSet(RankEnvironment.RankVariable) || isSet(RankEnvironment.WorldSizeVariable);

    public override RankPlace Read(RankVariables variables) =>
        Place(variables, RankEnvironment.RankVariable, RankEnvironment.WorldSizeVariable, RankEnvironment.LocalRankVariable, RankEnvironment.LocalWorldSizeVariable);
}

/// <summary>
/// A Kubernetes indexed Job of one process a pod: the pod's index is the rank, and WORLD_SIZE, MASTER_ADDR and MASTER_PORT come from the Job's own file. With RANK beside them they are torchrun's.
/// </summary>
internal sealed class IndexedJobRanks : RankSource
{
    /// <summary>The variable with the pod's index.</summary>
    public const string IndexName = "JOB_COMPLETION_INDEX";

    public override string Name => "a Kubernetes indexed Job";

    public override string MasterRemedy => "Set it in the env of the Job's containers: MASTER_ADDR to the name of pod 0 behind the Job's headless service, MASTER_PORT to any port from 1024 to 65535.";

    public override bool IsPresent(Func<string, bool> isSet) => isSet(IndexName) && isSet(RankEnvironment.WorldSizeVariable) && !isSet(RankEnvironment.RankVariable);

    public override RankPlace Read(RankVariables variables)
    {
        int worldSize = variables.Number(RankEnvironment.WorldSizeVariable, null, 1, RankPlace.MaximumRanks);
        return new RankPlace(variables.Number(IndexName, null, 0, worldSize - 1), worldSize, LocalRank: 0, LocalWorldSize: 1);
    }
}

/// <summary>The variables of Open MPI's <c>mpirun</c>.</summary>
internal sealed class OpenMpiRanks : RankSource
{
    private const string WorldSizeName = "OMPI_COMM_WORLD_SIZE";

    public override string Name => "Open MPI";

    public override bool IsMpi => true;

    public override string MasterRemedy => "Give it to all ranks: mpirun -x MASTER_ADDR=host-of-rank-0 -x MASTER_PORT=29500.";

    public override bool IsPresent(Func<string, bool> isSet) => isSet(WorldSizeName);

    public override RankPlace Read(RankVariables variables) =>
        Place(variables, "OMPI_COMM_WORLD_RANK", WorldSizeName, "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE");

    // The first since Open MPI 4, the second up to it.
    public override string? JobIdentity(RankVariables variables) => variables.Text("PMIX_NAMESPACE") ?? variables.Text("OMPI_MCA_ess_base_jobid");
}

/// <summary>The variables of MPICH's and Intel MPI's <c>mpiexec</c>, and of others that speak PMI.</summary>
internal sealed class PmiRanks : RankSource
{
    private const string WorldSizeName = "PMI_SIZE";

    private const string LocalWorldSizeName = "MPI_LOCALNRANKS";

    public override string Name => "MPICH (PMI)";

    public override bool IsMpi => true;

    public override string MasterRemedy => "Give it to all ranks: mpiexec -genv MASTER_ADDR host-of-rank-0 -genv MASTER_PORT 29500.";

    // Under srun PMI's variables leave the machine's part out, which SLURM's own tell. Under mpiexec within a SLURM job SLURM's
    // are those of mpiexec's own helpers.
    public override bool IsPresent(Func<string, bool> isSet) => isSet(WorldSizeName) && (isSet(LocalWorldSizeName) || !SlurmRanks.IsTask(isSet));

    public override RankPlace Read(RankVariables variables) => Place(variables, "PMI_RANK", WorldSizeName, "MPI_LOCALRANKID", LocalWorldSizeName);
}

/// <summary>The variables of SLURM's <c>srun</c>.</summary>
internal sealed class SlurmRanks : RankSource
{
    private const string LocalRankName = "SLURM_LOCALID";

    public override string Name => "SLURM";

    public override string MasterRemedy =>
        "Set it before srun: export MASTER_ADDR=$(scontrol show hostnames \"$SLURM_JOB_NODELIST\" | head -n 1) MASTER_PORT=29500.";

    /// <summary>Whether srun started this process: a batch script has SLURM's variables too, but is one process and no task of a step.</summary>
    public static bool IsTask(Func<string, bool> isSet) => isSet("SLURM_PROCID") && (isSet("SLURM_STEP_ID") || isSet("SLURM_STEPID"));

    public override bool IsPresent(Func<string, bool> isSet) => IsTask(isSet);

    public override RankPlace Read(RankVariables variables)
    {
        string sizeName = variables.Text("SLURM_STEP_NUM_TASKS") is null ? "SLURM_NTASKS" : "SLURM_STEP_NUM_TASKS";
        int worldSize = variables.Number(sizeName, null, 1, RankPlace.MaximumRanks);
        int rank = variables.Number("SLURM_PROCID", null, 0, worldSize - 1);
        int localWorldSize = LocalWorldSize(variables, worldSize);
        int localRank = variables.Number(LocalRankName, localWorldSize == worldSize ? rank : null, 0, localWorldSize - 1);
        return new RankPlace(rank, worldSize, localRank, localWorldSize);
    }

    public override string? JobIdentity(RankVariables variables) =>
        variables.Text("SLURM_JOB_ID") is { } job ? $"{job}.{variables.Text("SLURM_STEP_ID") ?? variables.Text("SLURM_STEPID")}" : null;

    // Block and cyclic distributions, SLURM's defaults, give the first machine task 0.
    public override string? FirstHost(RankVariables variables) =>
        (variables.Text("SLURM_STEP_NODELIST") ?? variables.Text("SLURM_JOB_NODELIST") ?? variables.Text("SLURM_NODELIST")) is { } list ? FirstHost(list) : null;

    // SLURM's short form of host names: "gpu[01-04,7],login" begins with gpu01. Null for what is none.
    private static string? FirstHost(string list)
    {
        var host = new StringBuilder();
        for (int i = 0; i < list.Length && list[i] != ','; i++)
        {
            if (list[i] != '[')
            {
                host.Append(list[i]);
                continue;
            }

            int end = list.IndexOf(']', i);
            int first = end < 0 ? -1 : list.AsSpan(i + 1, end - i).IndexOfAny('-', ',', ']');
            if (first <= 0)
            {
                return null;
            }

            host.Append(list, i + 1, first);
            i = end;
        }

        return Uri.CheckHostName(host.ToString()) == UriHostNameType.Unknown ? null : host.ToString();
    }

    private static int LocalWorldSize(RankVariables variables, int worldSize)
    {
        string name = variables.Text("SLURM_STEP_TASKS_PER_NODE") is null ? "SLURM_TASKS_PER_NODE" : "SLURM_STEP_TASKS_PER_NODE";
        if (variables.Text(name) is { } text)
        {
            int node = variables.Number("SLURM_NODEID", 0, 0, RankPlace.MaximumRanks - 1);
            return TasksOfNode(text, node) is { } tasks && tasks >= 1 && tasks <= worldSize
                ? tasks
                : throw variables.Wrong(name, text, "It should say how many tasks each node runs, as in 4(x2),3: let srun set it.");
        }

        int nodes = variables.Number("SLURM_NNODES", 1, 1, RankPlace.MaximumRanks);
        return variables.Number("SLURM_NTASKS_PER_NODE", nodes == 1 ? worldSize : null, 1, worldSize);
    }

    // SLURM's short form: "4(x2),3" says 4 tasks on each of the first two nodes and 3 on the next.
    private static int? TasksOfNode(string text, int node)
    {
        foreach (string part in text.Split(','))
        {
            int bracket = part.IndexOf("(x", StringComparison.Ordinal);
            int nodes = 1;
            if (!int.TryParse(bracket < 0 ? part : part[..bracket], NumberStyles.None, CultureInfo.InvariantCulture, out int tasks)
                || (bracket >= 0 && !(part.EndsWith(')') && int.TryParse(part[(bracket + 2)..^1], NumberStyles.None, CultureInfo.InvariantCulture, out nodes))))
            {
                return null;
            }

            if (node < nodes)
            {
                return tasks;
            }

            node -= nodes;
        }

        return null;
    }
}

/// <summary>A process's number and the number of processes, in the job and on this machine.</summary>
internal readonly record struct RankPlace(int Rank, int WorldSize, int LocalRank, int LocalWorldSize)
{
    public const int MaximumRanks = 65536;
}

/// <summary>The environment's variables as numbers, with errors that name the variable, its value and where the rank comes from.</summary>
internal sealed class RankVariables
{
    private readonly Func<string, string?> _variable;

    /// <param name="variable">Gives a variable's value or null.</param>
    /// <param name="source">Who set the ranks, for messages.</param>
    public RankVariables(Func<string, string?> variable, string source)
    {
        _variable = variable;
        Source = source;
    }

    public string Source { get; }

    /// <summary>The variable's value; null when it is empty or not set.</summary>
    public string? Text(string name) => _variable(name) is { Length: > 0 } value ? value : null;

    /// <summary>The variable as a whole number from <paramref name="least"/> to <paramref name="most"/>; <paramref name="fallback"/> when it is not set.</summary>
    /// <exception cref="RendezvousException">It is wrong, or not set and there is no fallback.</exception>
    public int Number(string name, int? fallback, int least, int most)
    {
        string remedy = FormattableString.Invariant($"Set it to a whole number from {least} to {most}, or start the program with a launcher, which sets it.");
        return Text(name) is not { } text ? fallback ?? throw Wrong(name, "not set", remedy)
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most ? number
            : throw Wrong(name, text, remedy);
    }

    /// <summary>The error for a variable that cannot be used.</summary>
    public RendezvousException Wrong(string name, string value, string remedy) =>
        Wrong(name, value, Source, remedy);

    /// <summary>The same where the variables are no longer at hand.</summary>
    public static RendezvousException Wrong(string name, string value, string source, string remedy) =>
        new($"environment variable {name} is invalid ({value}; the ranks come from {source}). {remedy}");
}
