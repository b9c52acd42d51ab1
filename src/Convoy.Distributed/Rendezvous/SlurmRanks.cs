using System.Globalization;

namespace Convoy.Distributed.Rendezvous;

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
        int worldSize = variables.Number(sizeName, null, 1, RankPlace.MostRanks);
        int rank = variables.Number("SLURM_PROCID", null, 0, worldSize - 1);
        int localWorldSize = LocalWorldSize(variables, worldSize);
        int localRank = variables.Number(LocalRankName, localWorldSize == worldSize ? rank : null, 0, localWorldSize - 1);
        return new RankPlace(rank, worldSize, localRank, localWorldSize);
    }

    public override string? JobIdentity(RankVariables variables) =>
        variables.Text("SLURM_JOB_ID") is { } job ? $"{job}.{variables.Text("SLURM_STEP_ID") ?? variables.Text("SLURM_STEPID")}" : null;

    private static int LocalWorldSize(RankVariables variables, int worldSize)
    {
        string name = variables.Text("SLURM_STEP_TASKS_PER_NODE") is null ? "SLURM_TASKS_PER_NODE" : "SLURM_STEP_TASKS_PER_NODE";
        if (variables.Text(name) is { } text)
        {
            int node = variables.Number("SLURM_NODEID", 0, 0, RankPlace.MostRanks - 1);
            return TasksOfNode(text, node) is { } tasks && tasks >= 1 && tasks <= worldSize
                ? tasks
                : throw variables.Wrong(name, text, "It should say how many tasks each node runs, as in 4(x2),3: let srun set it.");
        }

        int nodes = variables.Number("SLURM_NNODES", 1, 1, RankPlace.MostRanks);
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
