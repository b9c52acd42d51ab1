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
    /// <summary>The exit code of <see cref="RunWithSharedMemoryAsync"/> where it cannot be done.</summary>
    public const int NoNamespace = 77;

    internal static readonly string Worker = Path.Combine(AppContext.BaseDirectory, "Convoy.Distributed.ParallelTests.Worker.dll");
    internal static readonly string Dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(80);

    /// <summary>Runs a scenario in processes of its own.</summary>
    public static Task<IReadOnlyList<WorkerResult>> RunAsync(string scenario, int worldSize, string[]? arguments = null, int? started = null, bool rankZeroServes = false, TimeSpan? limit = null, KeyValuePair<string, string>[]? environment = null, Func<int, KeyValuePair<string, string>[]>? ofRank = null) =>
        RunAsync(scenario, worldSize, arguments, started, rankZeroServes, limit, shared: false, rank => [.. environment ?? [], .. ofRank?.Invoke(rank) ?? []]);

    /// <summary>Runs a scenario that all ranks should end well in processes that run several, unless everything is tried.</summary>
    public static Task<IReadOnlyList<WorkerResult>> RunSharedAsync(string scenario, int worldSize, string[]? arguments = null, TimeSpan? limit = null) =>
        RunAsync(scenario, worldSize, arguments, worldSize, rankZeroServes: false, limit, shared: !Repetitions.All, _ => []);

    private static async Task<IReadOnlyList<WorkerResult>> RunAsync(string scenario, int worldSize, string[]? arguments, int? started, bool rankZeroServes, TimeSpan? limit, bool shared, Func<int, KeyValuePair<string, string>[]> variables)
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
            WorkerResult[] results = await Task.WhenAll(Enumerable.Range(0, started ?? worldSize).Select(rank =>
            {
                KeyValuePair<string, string>[] environment = [.. EnvironmentOf(worldSize, port, secret, rankZeroServes), new("RANK", Text(rank)), new("LOCAL_RANK", Text(rank)), .. variables(rank)];
                return shared
                    ? SharedWorkers.RunAsync(rank, environment, Start([], ["exec", Worker, "serve"]), [scenario, .. arguments ?? []], limit ?? Limit)
                    : RunRankAsync(rank, Start(environment, ["exec", Worker, scenario, .. arguments ?? []]), limit ?? Limit);
            }));
            await RequireNothingLeftAsync(before);
            return results;
        }
    }

    /// <summary>Runs a scenario and requires every rank to succeed; gives each rank's standard output.</summary>
    public static async Task<IReadOnlyList<string>> RunAndRequireSuccessAsync(string scenario, int worldSize, params string[] arguments)
    {
        IReadOnlyList<WorkerResult> results = await RunAsync(scenario, worldSize, arguments);
        return Outputs(results);
    }

    /// <summary>As <see cref="RunAndRequireSuccessAsync"/>, in processes that run several scenarios: for what computes and leaves nothing in its process.</summary>
    public static async Task<IReadOnlyList<string>> RunSharedAndRequireSuccessAsync(string scenario, int worldSize, params string[] arguments) =>
        Outputs(await RunSharedAsync(scenario, worldSize, arguments));

    /// <summary>
    /// Runs a scenario with a /dev/shm of <paramref name="size"/> (as mount understands it) that no other process sees. Gives one
    /// result for all ranks, whose lines begin with "rank R: "; the last line of the output says what was left in /dev/shm.
    /// </summary>
    /// <returns>The exit code is <see cref="NoNamespace"/> when this system does not allow that.</returns>
    public static async Task<WorkerResult> RunWithSharedMemoryAsync(string size, string scenario, int worldSize, string argument)
    {
        const string Script = """
            mount -t tmpfs -o size="$1" tmpfs /dev/shm || exit 77
            rank=0
            while [ $rank -lt "$WORLD_SIZE" ]; do
                RANK=$rank LOCAL_RANK=$rank "$2" exec "$3" "$4" "$5" 2>&1 | sed -u "s/^/rank $rank: /" &
                rank=$((rank + 1))
            done
            wait
            left=$(ls /dev/shm)
            echo "left: ${left:-none}"
            """;
        const string Unshare = "/usr/bin/unshare";
        if (!File.Exists(Unshare))
        {
            return new WorkerResult(0, 0, NoNamespace, "", $"there is no {Unshare}");
        }

        string secret = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, secret);
        WorkerResult result = await RunRankAsync(
            0, Start(EnvironmentOf(worldSize, server.Port, secret, false), ["--mount", "sh", "-c", Script, "sh", size, Dotnet, Worker, scenario, argument], Unshare), Limit);
        return result.Errors.StartsWith("unshare:", StringComparison.Ordinal) ? result with { ExitCode = NoNamespace } : result;
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

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static KeyValuePair<string, string>[] EnvironmentOf(int worldSize, int port, string secret, bool rankZeroServes) =>
    [
        new("WORLD_SIZE", Text(worldSize)),
        new("LOCAL_WORLD_SIZE", Text(worldSize)),
        new("MASTER_ADDR", "127.0.0.1"),
        new("MASTER_PORT", Text(port)),
        new("CONVOY_JOB_SECRET", secret),
        new("CONVOY_STORE_HOSTED", rankZeroServes ? "0" : "1"),
        new("OMP_NUM_THREADS", "1"),
    ];

    private static string[] Outputs(IReadOnlyList<WorkerResult> results)
    {
        Assert.All(results, result => Assert.True(result.ExitCode == 0, $"rank {result.Rank}: {result.Errors}"));
        return [.. results.Select(result => result.Output)];
    }

    private static ProcessStartInfo Start(IReadOnlyList<KeyValuePair<string, string>> environment, string[] arguments, string? program = null)
    {
        var start = new ProcessStartInfo(program ?? Dotnet, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["OMP_NUM_THREADS"] = "1";
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private static async Task<WorkerResult> RunRankAsync(int rank, ProcessStartInfo start, TimeSpan timeout)
    {
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
