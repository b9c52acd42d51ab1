using System.Globalization;
using System.Text.Json;

namespace Convoy.Hosts.Tests;

/// <summary><c>convoy launch --nnodes</c> on hosts without any launcher of MPI's: the ranks are told RANK and MASTER_ADDR only, and MPICH starts through the job's store.</summary>
public sealed class MpiWithoutLauncherTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(100);
    private static readonly string Worker = Path.Combine(AppContext.BaseDirectory, "Convoy.Distributed.ParallelTests.Worker.dll");

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(1, 2, 1)]
    public async Task Launch_TrainingOnHosts_EqualsOneProcess(params int[] ranksPerHost)
    {
        RequiredParts.Mpi(MpiLibrary.Mpich);
        using Cluster cluster = Cluster.Start(ranksPerHost.Length);
        JsonElement one = await OneProcessAsync(cluster.FrontEnd);

        JsonElement several = Result((await LaunchAsync(cluster, ranksPerHost, "TrainConvolutions"))[0].Output);

        foreach (string name in (string[])["losses", "gradients", "weights", "evaluated"])
        {
            Assert.All(Values(one, name).Zip(Values(several, name), (x, y) => Math.Abs(x - y)), difference => Assert.InRange(difference, 0, name is "losses" or "gradients" ? 1e-12 : 1e-9));
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(1, 1, 1, 1)]
    public async Task Launch_Sum_CrossesTheCables(params int[] ranksPerHost)
    {
        RequiredParts.Mpi(MpiLibrary.Mpich);
        using Cluster cluster = Cluster.Start(ranksPerHost.Length);
        const int Count = 1_000_000;
        long[] before = [.. cluster.Hosts.Select(host => host.BytesSent)];

        await LaunchAsync(cluster, ranksPerHost, "AddUp", Text(Count));

        // An all-reduce that is as good as can be sends 2 (n - 1) / n of the data from each of n hosts.
        double least = 2.0 * (ranksPerHost.Length - 1) / ranksPerHost.Length * Count * sizeof(float);
        Assert.All(cluster.Hosts.Zip(before), host => Assert.InRange(host.First.BytesSent - host.Second, least, 4 * least));
    }

    private static async Task<CommandResult[]> LaunchAsync(Cluster cluster, int[] ranksPerHost, params string[] scenario)
    {
        CommandResult[] results = await Task.WhenAll(cluster.Hosts.Zip(ranksPerHost).Select((host, node) => host.First.RunAsync(
            Limit,
            [new("CONVOY_JOB_SECRET", "known on these hosts only"), new("OMP_NUM_THREADS", "1")],
            [
                "dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "convoy.dll"), "launch", "--nnodes", Text(ranksPerHost.Length), "--node-rank", Text(node), "--master-addr", cluster.Hosts[0].Name, "--nproc", Text(host.Second),
                "--no-prefix", "--", "dotnet", "exec", Worker, .. scenario,
            ])));
        Assert.All(results, result => Assert.True(result.ExitCode == 0, $"{result}"));
        return results;
    }

    private static async Task<JsonElement> OneProcessAsync(Host host)
    {
        CommandResult result = await host.RunAsync(Limit, [new("OMP_NUM_THREADS", "1")], "dotnet", "exec", Worker, "TrainConvolutions");
        Assert.True(result.ExitCode == 0, $"{result}");
        return Result(result.Output);
    }

    private static JsonElement Result(string output) => JsonDocument.Parse(output.Split('\n').First(line => line.StartsWith('{'))).RootElement;

    private static double[] Values(JsonElement run, string name) => [.. run.GetProperty(name).EnumerateArray().Select(value => value.GetDouble())];

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
