using System.Text.Json;

namespace Convoy.Hosts.Tests;

/// <summary><c>convoy train</c> as the ranks of a launcher, on hosts that have the data in common and not the run's folder: it is the run of one process.</summary>
[Trait("Repeats", "more")]
public sealed class TrainCommandTests(SlurmFixture fixture) : IClassFixture<SlurmFixture>
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData("mpirun.openmpi")]
    [InlineData("mpirun.mpich")]
    [InlineData("srun")]
    public async Task Train_OverTwoHosts_HasOneProcesssLossAtEachStep(string launcher)
    {
        if (launcher != "srun")
        {
            RequiredParts.Mpi(Library(launcher));
        }

        SlurmController slurm = fixture.Slurm;
        Cluster cluster = fixture.Hosts;
        Host first = cluster.Hosts[0];
        if (first.Require("ls", "/mnt").Split('\n').Contains("data") is false)
        {
            await SucceedAsync(first.RunAsync(Limit, DotnetPrograms.Variables, DotnetPrograms.Convoy("data", "synth", "--out", "/mnt/data", "--frames", "24", "--size", "192x108")));
            await SucceedAsync(first.RunAsync(Limit, DotnetPrograms.Variables, Train("/tmp/one", "--nproc", "1")));
        }

        string output = $"/tmp/{launcher}";
        long before = first.BytesSent;
        await SucceedAsync(launcher == "srun"
            ? slurm.RunAsync(Limit, ["srun", "--nodes=2", "--ntasks=2", "--mpi=pmi2", "env", .. DotnetPrograms.Variables.Select(variable => $"{variable.Key}={variable.Value}"), .. Train(output)])
            : cluster.FrontEnd.RunAsync(Limit, MpiLauncher.Command(Library(launcher), cluster.Hosts, [1], DotnetPrograms.Variables, Train(output))));

        long sent = first.BytesSent - before;
        double[] one = Losses(first, "/tmp/one"), found = Losses(first, output);
        Assert.Equal(6, one.Length);
        Assert.Equal(one.Length, found.Length);
        Assert.All(one.Zip(found), losses => Assert.Equal(losses.First, losses.Second, 5e-4));
        Assert.True(one[^1] < one[0], "it learned nothing");
        // Each of two hosts sends half of the gradients, and the sums of the other half.
        Assert.InRange(sent, AveragedBytes(first, output), double.MaxValue);
        // Every rank's steps came to rank 0's host; the other one's own folder is gone.
        Assert.Equal("metrics_rank0.jsonl\nmetrics_rank1.jsonl\n", first.Require("sh", "-c", $"cd {output} && ls metrics_rank*"));
        Assert.DoesNotContain(launcher, cluster.Hosts[1].Require("ls", "/tmp"), StringComparison.Ordinal);
    }

    private static MpiLibrary Library(string launcher) => launcher == "mpirun.mpich" ? MpiLibrary.Mpich : MpiLibrary.OpenMpi;

    private static string[] Train(string output, params string[] more) => DotnetPrograms.Convoy(
    [
        "train", "--data", "/mnt/data", "--out", output, "--image-size", "96x64", "--val-split", "0", "--threads", "1", "--batch-size", "8", "--workers", "1", "--no-scale-lr", "--timeout", "60", "--steps", "6", "--accumulate", "1", .. more,
    ]);

    private static async Task SucceedAsync(Task<CommandResult> command)
    {
        CommandResult result = await command;
        Assert.True(result.ExitCode == 0, $"{result}");
    }

    private static double[] Losses(Host host, string run)
    {
        using JsonDocument metrics = Metrics(host, run);
        return [.. Steps(metrics).Select(step => step.GetProperty("loss").GetDouble())];
    }

    // Bytes of all buckets of all steps, of which each is averaged once.
    private static long AveragedBytes(Host host, string run)
    {
        using JsonDocument metrics = Metrics(host, run);
        long bytes = Steps(metrics).Where(step => step.TryGetProperty("buckets", out _)).Sum(step => step.GetProperty("buckets").EnumerateArray().Sum(bucket => bucket.GetProperty("bytes").GetInt64()));
        Assert.InRange(bytes, 1, long.MaxValue);
        return bytes;
    }

    private static JsonDocument Metrics(Host host, string run) => JsonDocument.Parse(host.Require("cat", $"{run}/metrics.json"));

    private static IEnumerable<JsonElement> Steps(JsonDocument metrics) => metrics.RootElement.GetProperty("metrics").EnumerateArray().Where(step => step.GetProperty("rank").GetInt32() == 0);
}
