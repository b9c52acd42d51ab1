using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace Convoy.Hosts.Tests;

/// <summary><c>convoy launch</c> on each host: no MPI launcher, no remote shell, and strangers on the network.</summary>
public sealed class LaunchOverHostsTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task TrainingParity_UnderALauncherOnEachOfTwoHosts_EqualsOneProcessOnTheWholeBatch()
    {
        RequiredParts.Mpi(MpiLibrary.Mpich);
        using Cluster cluster = Cluster.Start(2);
        long[] before = [.. cluster.Hosts.Select(host => host.BytesSent)];

        CommandResult[] results = await LaunchAsync(cluster, ranksPerHost: 2, DotnetPrograms.Worker("TrainingParity", "2"));

        Assert.All(results, result => Assert.True(result.ExitCode == 0, $"{result}"));
        // With 2 ranks a host, in shared memory, gradients cross once for each host: both send at least half of them, and get the other's half.
        long averaged = long.Parse(results[0].Output.Split('\n').First(line => line.StartsWith("[rank 0] ", StringComparison.Ordinal))[9..], CultureInfo.InvariantCulture);
        Assert.All(cluster.Hosts.Zip(before), host => Assert.InRange(host.First.BytesSent - host.Second, averaged, double.MaxValue));
    }

    [Fact]
    public async Task Training_AStrangerTalksToEveryPort_HasTheWeightsOfOneProcess()
    {
        RequiredParts.Mpi(MpiLibrary.Mpich);
        using Cluster cluster = Cluster.Start(3);
        Host stranger = cluster.Hosts[2];
        // To the launchers' store and the ranks': nothing, noise, and what a client of the store would begin with.
        const string Knock = """
            import os, socket, sys, time
            end = time.time() + float(sys.argv[2])
            reached = set()
            while time.time() < end:
                for port in (29500, 29501):
                    for words in (b"", os.urandom(2000), b"GET / HTTP/1.1\r\n\r\n", bytes(64), b"\xff" * 64):
                        try:
                            with socket.create_connection((sys.argv[1], port), timeout=0.2) as connection:
                                reached.add(port)
                                connection.settimeout(0.2)
                                connection.sendall(words)
                                connection.recv(100)
                        except OSError:
                            pass
            print(*sorted(reached))
            """;
        using Process knocking = stranger.Start([], "python3", "-c", Knock, cluster.Hosts[0].Address, "8");

        CommandResult[] results = await LaunchAsync(cluster, ranksPerHost: 1, DotnetPrograms.Worker("TrainThroughTrouble", "300", "30"));

        CommandResult knocked = await Host.EndAsync(knocking, Limit, "python3");
        Assert.Equal(new CommandResult(0, "29500 29501\n", ""), knocked);
        Assert.All(results, result => Assert.True(result.ExitCode == 0, $"{result}"));
        Assert.All(results, result => Assert.Contains("has the weights of one process", result.Output, StringComparison.Ordinal));
    }

    /// <summary>A launcher on each of the first two hosts.</summary>
    private static Task<CommandResult[]> LaunchAsync(Cluster cluster, int ranksPerHost, string[] program)
    {
        KeyValuePair<string, string>[] variables = [.. DotnetPrograms.Variables, new("CONVOY_JOB_SECRET", Convert.ToHexString(RandomNumberGenerator.GetBytes(16)))];
        return Task.WhenAll(cluster.Hosts.Take(2).Select((host, node) => host.RunAsync(
            Limit, variables, DotnetPrograms.Convoy(["launch", "--nnodes", "2", "--node-rank", $"{node}", "--master-addr", cluster.Hosts[0].Name, "--nproc", $"{ranksPerHost}", "--", .. program]))));
    }
}
