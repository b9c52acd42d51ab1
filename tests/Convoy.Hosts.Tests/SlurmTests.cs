namespace Convoy.Hosts.Tests;

/// <summary>Programs under a real srun and in real batch jobs, on two hosts.</summary>
[Trait("Repeats", "more")]
public sealed class SlurmTests(SlurmFixture fixture) : IClassFixture<SlurmFixture>
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>The secret that a batch script makes for its steps.</summary>
    private const string Secret = "export CONVOY_JOB_SECRET=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \\n')";

    [Theory]
    [InlineData("--ntasks=4", "2,2")]
    [InlineData("--ntasks=3", "2,1")]
    [InlineData("--ntasks=4 --distribution=cyclic", "2,2")]
    public async Task Variables_OfTasksOfSrun_AreReadAsTheirRanks(string options, string ranksPerHost)
    {
        bool cyclic = options.Contains("cyclic", StringComparison.Ordinal);
        CommandResult result = await fixture.Slurm.RunAsync(Limit, ["srun", "--nodes=2", .. options.Split(' '), .. DotnetPrograms.Worker("DescribeRank")]);

        Assert.True(result.ExitCode == 0, $"{result}");
        int[] counts = [.. ranksPerHost.Split(',').Select(int.Parse)];
        IEnumerable<(int Host, int Local)> places = counts.SelectMany((count, host) => Enumerable.Range(0, count).Select(local => (host, local)));
        if (cyclic)
        {
            places = places.OrderBy(place => place.Local).ThenBy(place => place.Host);
        }

        IEnumerable<string> expected = places.Select((place, rank) =>
            $"rank {rank} of {counts.Sum()}, {place.Local} of {counts[place.Host]} on {fixture.Hosts.Hosts[place.Host].Name}, store at hosta, a port, from SLURM");
        Assert.Equal(expected, result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Variables_OfABatchScriptItself_AreOneProcess()
    {
        CommandResult result = await fixture.Slurm.RunBatchAsync(Limit, $"""
            #!/bin/sh
            #SBATCH --nodes=2 --ntasks-per-node=2
            {Shell(DotnetPrograms.Worker("DescribeRank"))}
            """, []);

        Assert.True(result.ExitCode == 0, $"{result}");
        Assert.StartsWith("rank 0 of 1, 0 of 1 on hosta", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("srun --mpi=none", null)]
    [InlineData("srun --mpi=pmi2", MpiLibrary.Mpich)]
    [InlineData("srun --mpi=pmix", MpiLibrary.OpenMpi)]
    [InlineData("mpirun.mpich", MpiLibrary.Mpich)]
    [InlineData("mpirun.openmpi --allow-run-as-root", MpiLibrary.OpenMpi)]
    public async Task TrainingParity_InABatchJobOnTwoHosts_EqualsOneProcessOnTheWholeBatch(string launcher, MpiLibrary? library)
    {
        if (library is { } needed)
        {
            RequiredParts.Mpi(needed);
        }

        CommandResult result = await fixture.Slurm.RunBatchAsync(Limit, $"""
            #!/bin/sh
            #SBATCH --nodes=2 --ntasks-per-node=1
            {Secret}
            export OMP_NUM_THREADS=1 CONVOY_BACKEND=mpi
            {launcher} {Shell(DotnetPrograms.Worker("TrainingParity", "2"))}
            """, []);

        Assert.True(result.ExitCode == 0, $"{result}");
        Assert.Equal(2, result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(line => long.TryParse(line, out _)));
    }

    private static string Shell(IEnumerable<string> words) => string.Join(' ', words.Select(word => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'"));
}
