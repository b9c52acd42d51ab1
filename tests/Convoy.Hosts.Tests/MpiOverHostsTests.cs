namespace Convoy.Hosts.Tests;

/// <summary>Both MPI libraries take the hosts for hosts: what ranks exchange crosses the cables. A program in C, so that nothing of Convoy comes in between.</summary>
public sealed class MpiOverHostsTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(MpiLibrary.OpenMpi, 2, 1)]
    [InlineData(MpiLibrary.OpenMpi, 4, 1)]
    [InlineData(MpiLibrary.OpenMpi, 2, 2)]
    [InlineData(MpiLibrary.Mpich, 2, 1)]
    [InlineData(MpiLibrary.Mpich, 4, 1)]
    [InlineData(MpiLibrary.Mpich, 2, 2)]
    public async Task AllReduce_OfAProgramInC_IsRightAndCrossesTheCables(MpiLibrary library, int hosts, int ranksPerHost)
    {
        RequiredParts.Mpi(library);
        using Cluster cluster = Cluster.Start(hosts);
        const int Count = 1_000_000;
        await CompileAsync(cluster, library);
        long[] before = [.. cluster.Hosts.Select(host => host.BytesSent)];

        CommandResult result = await cluster.FrontEnd.RunAsync(Limit, MpiLauncher.Command(library, cluster.Hosts, [ranksPerHost], [], "/mnt/allreduce", $"{Count}"));

        Assert.True(result.ExitCode == 0, $"{result}");
        string[] expected = [.. from rank in Enumerable.Range(0, hosts * ranksPerHost) select $"rank {rank} of {hosts * ranksPerHost} on {cluster.Hosts[rank / ranksPerHost].Name}: 0 wrong"];
        Assert.Equal(expected, result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
        // An all-reduce that is as good as can be sends 2 (n - 1) / n of the data from each of n hosts.
        double least = 2.0 * (hosts - 1) / hosts * Count * sizeof(float);
        Assert.All(cluster.Hosts.Zip(before), host => Assert.InRange(host.First.BytesSent - host.Second, least, 4 * least));
    }

    // mpicc of the library, in the hosts' common folder.
    private static async Task CompileAsync(Cluster cluster, MpiLibrary library)
    {
        string compiler = library == MpiLibrary.OpenMpi ? "mpicc.openmpi" : "mpicc.mpich";
        CommandResult result = await cluster.FrontEnd.RunAsync(Limit, "sh", "-c", "command -v \"$0\" >/dev/null || exit 77; exec \"$0\" -O1 -o /mnt/allreduce \"$1\"", compiler, Path.Combine(AppContext.BaseDirectory, "Programs", "allreduce.c"));
        Assert.SkipWhen(result.ExitCode == 77, $"{compiler} was not found on PATH: install {(library == MpiLibrary.OpenMpi ? "libopenmpi-dev" : "libmpich-dev")}.");
        Assert.True(result.ExitCode == 0, $"{result}");
    }
}
