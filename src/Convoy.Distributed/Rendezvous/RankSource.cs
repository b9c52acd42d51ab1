namespace Convoy.Distributed.Rendezvous;

/// <summary>A launcher whose variables tell a process its rank.</summary>
internal abstract class RankSource
{
    /// <summary>All of them; the first that is present counts.</summary>
    public static IReadOnlyList<RankSource> All { get; } = [new TorchrunRanks(), new OpenMpiRanks(), new PmiRanks(), new SlurmRanks()];

    /// <summary>The launcher's name.</summary>
    public abstract string Name { get; }

    /// <summary>Whether its variables are set.</summary>
    public abstract bool IsPresent(Func<string, bool> isSet);

    /// <summary>Reads them.</summary>
    /// <exception cref="Errors.RendezvousException">One is missing or wrong.</exception>
    public abstract RankPlace Read(RankVariables variables);

    /// <summary>
    /// A text that is the same in all processes of this job and different in any other, from which a job on one machine gets its
    /// port when MASTER_PORT is not set; null: the launcher tells none.
    /// </summary>
    public virtual string? JobIdentity(RankVariables variables) => null;

    /// <summary>What to do when MASTER_ADDR or MASTER_PORT is missing.</summary>
    public abstract string MasterRemedy { get; }

    /// <summary>The local rank and size where two variables tell them; one machine is assumed when they are not set.</summary>
    private protected static RankPlace Place(RankVariables variables, string rankName, string worldSizeName, string localRankName, string localWorldSizeName)
    {
        int worldSize = variables.Number(worldSizeName, null, 1, RankPlace.MostRanks);
        int rank = variables.Number(rankName, null, 0, worldSize - 1);
        int localWorldSize = variables.Number(localWorldSizeName, worldSize, 1, worldSize);
        int localRank = variables.Number(localRankName, localWorldSize == worldSize ? rank : null, 0, localWorldSize - 1);
        return new RankPlace(rank, worldSize, localRank, localWorldSize);
    }
}
