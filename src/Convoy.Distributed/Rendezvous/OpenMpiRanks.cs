namespace Convoy.Distributed.Rendezvous;

/// <summary>The variables of Open MPI's <c>mpirun</c>.</summary>
internal sealed class OpenMpiRanks : RankSource
{
    private const string WorldSizeName = "OMPI_COMM_WORLD_SIZE";

    public override string Name => "Open MPI";

    public override string MasterRemedy => "Give it to all ranks: mpirun -x MASTER_ADDR=host-of-rank-0 -x MASTER_PORT=29500.";

    public override bool IsPresent(Func<string, bool> isSet) => isSet(WorldSizeName);

    public override RankPlace Read(RankVariables variables) =>
        Place(variables, "OMPI_COMM_WORLD_RANK", WorldSizeName, "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE");

    // The first since Open MPI 4, the second up to it.
    public override string? JobIdentity(RankVariables variables) => variables.Text("PMIX_NAMESPACE") ?? variables.Text("OMPI_MCA_ess_base_jobid");
}
