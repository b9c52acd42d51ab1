namespace Convoy.Hosts.Tests;

/// <summary>Data-parallel training over hosts computes what one process does, and what it exchanges crosses the cables.</summary>
[Trait("Repeats", "more")]
public sealed class TrainingOverHostsTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Theory]
    [InlineData(MpiLibrary.OpenMpi, 2)]
    [InlineData(MpiLibrary.OpenMpi, 4)]
    [InlineData(MpiLibrary.Mpich, 2)]
    [InlineData(MpiLibrary.Mpich, 4)]
    public async Task TrainingParity_UnderMpirunOverHosts_EqualsOneProcessOnTheWholeBatch(MpiLibrary library, int hosts)
    {
        Repetitions.RequireAllUnless(hosts == 2);
        RequiredParts.Mpi(library);
        using Cluster cluster = Cluster.Start(hosts);
        string updates = $"{Repetitions.Of(5, 200)}";
        long[] before = [.. cluster.Hosts.Select(host => host.BytesSent)];

        CommandResult result = await cluster.FrontEnd.RunAsync(
            Limit, MpiLauncher.Command(library, cluster.Hosts, [1], [.. DotnetPrograms.Variables, new("CONVOY_BACKEND", "mpi")], DotnetPrograms.Worker("TrainingParity", updates)));

        Assert.True(result.ExitCode == 0, $"{result}");
        string[] averaged = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(hosts, averaged.Length);
        // The least that any all-reduce can send from each of n hosts.
        double least = 2.0 * (hosts - 1) / hosts * averaged.Select(long.Parse).First();
        Assert.All(cluster.Hosts.Zip(before), host => Assert.InRange(host.First.BytesSent - host.Second, least, double.MaxValue));
        Assert.All(averaged, bytes => Assert.Equal(averaged[0], bytes));
    }
}
