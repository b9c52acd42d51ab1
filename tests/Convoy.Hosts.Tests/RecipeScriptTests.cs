namespace Convoy.Hosts.Tests;

/// <summary>The SLURM scripts among the recipes, as they stand, under a real SLURM.</summary>
[Trait("Repeats", "more")]
public sealed class RecipeScriptTests(SlurmFixture fixture) : IClassFixture<SlurmFixture>
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData("slurm-srun.sh", "CONVOY_SRUN_MPI", "pmi2", MpiLibrary.Mpich)]
    [InlineData("slurm-srun.sh", "CONVOY_SRUN_MPI", "pmix", MpiLibrary.OpenMpi)]
    [InlineData("slurm-mpirun.sh", "MPIRUN", "mpirun.mpich", MpiLibrary.Mpich)]
    [InlineData("slurm-mpirun.sh", "MPIRUN", "mpirun.openmpi --allow-run-as-root", MpiLibrary.OpenMpi)]
    public async Task Script_WithAProgram_TrainsItOnTwoHostsOfTwoRanks(string script, string variable, string value, MpiLibrary library)
    {
        RequiredParts.Mpi(library);

        CommandResult result = await fixture.Slurm.RunBatchAsync(Limit, await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Recipes", script), TestContext.Current.CancellationToken), DotnetPrograms.Worker("TrainThroughTrouble", "10", "60"), new KeyValuePair<string, string>(variable, value));

        Assert.True(result.ExitCode == 0, $"{result}");
        Assert.Equal(4, result.Output.Split('\n').Count(line => line.EndsWith("has the weights of one process", StringComparison.Ordinal)));
    }
}
