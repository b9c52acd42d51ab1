using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.ParallelTests;

/// <summary>How one rank ended.</summary>
internal sealed record WorkerResult(int Rank, int ProcessId, int ExitCode, string Output, string Errors);

/// <summary>Runs a scenario of the worker program in real processes, with the environment that a launcher would set.</summary>
internal static class WorkerProcesses
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(80);

    public static async Task<IReadOnlyList<WorkerResult>> RunAsync(string scenario, int worldSize, string[]? arguments = null, int? started = null, bool rankZeroServes = false, TimeSpan? limit = null)
    {
        string secret = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        var server = new TcpStoreServer(IPAddress.Loopback, 0, secret);
        int port = server.Port;
        if (rankZeroServes)
        {
            server.Dispose(); // Its port is free for rank 0 to take.
        }

        HashSet<string> before = SharedMemoryFiles();
        using (server)
        {
            WorkerResult[] results = await Task.WhenAll(Enumerable.Range(0, started ?? worldSize).Select(rank => RunRankAsync(rank, new Dictionary<string, string>
            {
                ["RANK"] = rank.ToString(CultureInfo.InvariantCulture),
                ["LOCAL_RANK"] = rank.ToString(CultureInfo.InvariantCulture),
                ["WORLD_SIZE"] = worldSize.ToString(CultureInfo.InvariantCulture),
                ["LOCAL_WORLD_SIZE"] = worldSize.ToString(CultureInfo.InvariantCulture),
                ["MASTER_ADDR"] = "127.0.0.1",
                ["MASTER_PORT"] = port.ToString(CultureInfo.InvariantCulture),
                ["CONVOY_JOB_SECRET"] = secret,
                ["CONVOY_STORE_HOSTED"] = rankZeroServes ? "0" : "1",
                ["OMP_NUM_THREADS"] = "1",
            }, [scenario, .. arguments ?? []], limit ?? Limit)));
            await RequireNothingLeftAsync(before);
            return results;
        }
    }

    /// <summary>Runs a scenario and requires every rank to succeed; gives each rank's standard output.</summary>
    public static async Task<IReadOnlyList<string>> RunAndRequireSuccessAsync(string scenario, int worldSize, params string[] arguments)
    {
        IReadOnlyList<WorkerResult> results = await RunAsync(scenario, worldSize, arguments);
        Assert.All(results, result => Assert.True(result.ExitCode == 0, $"rank {result.Rank}: {result.Errors}"));
        return [.. results.Select(result => result.Output)];
    }

    private static HashSet<string> SharedMemoryFiles() =>
        Directory.Exists("/dev/shm") ? [.. Directory.GetFiles("/dev/shm", "convoy-*")] : [];

    private static async Task RequireNothingLeftAsync(HashSet<string> before)
    {
        // Other tests run at the same time, and their files live for milliseconds: only one that stays was left behind.
        HashSet<string> left = SharedMemoryFiles();
        left.ExceptWith(before);
        for (int i = 0; i < 100 && left.Count > 0; i++)
        {
            await Task.Delay(100);
            left.IntersectWith(SharedMemoryFiles());
        }

        Assert.Empty(left);
    }

    private static async Task<WorkerResult> RunRankAsync(int rank, Dictionary<string, string> environment, string[] arguments, TimeSpan timeout)
    {
        string worker = Path.Combine(AppContext.BaseDirectory, "Convoy.Distributed.ParallelTests.Worker.dll");
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["exec", worker, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(timeout);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            return new WorkerResult(rank, process.Id, -1, await output, "took too long: " + await errors);
        }

        return new WorkerResult(rank, process.Id, process.ExitCode, await output, await errors);
    }
}
