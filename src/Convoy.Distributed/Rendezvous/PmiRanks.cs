namespace Convoy.Distributed.Rendezvous;

/// <summary>The variables of MPICH's and Intel MPI's <c>mpiexec</c>, and of others that speak PMI.</summary>
internal sealed class PmiRanks : RankSource
{
    private const string WorldSizeName = "PMI_SIZE";

    private const string LocalWorldSizeName = "MPI_LOCALNRANKS";

    public override string Name => "MPICH (PMI)";

    public override string MasterRemedy => "Give it to all ranks: mpiexec -genv MASTER_ADDR host-of-rank-0 -genv MASTER_PORT 29500.";

    // Under srun PMI's variables leave the machine's part out, which SLURM's own tell. Under mpiexec within a SLURM job SLURM's
    // are those of mpiexec's own helpers.
    public override bool IsPresent(Func<string, bool> isSet) => isSet(WorldSizeName) && (isSet(LocalWorldSizeName) || !SlurmRanks.IsTask(isSet));

    public override RankPlace Read(RankVariables variables) => Place(variables, "PMI_RANK", WorldSizeName, "MPI_LOCALRANKID", LocalWorldSizeName);
}
