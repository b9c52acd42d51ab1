using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Convoy.Cli.Tests.Launched;

/// <summary>Processes of <c>convoy</c> that are started as the ranks of one job, each by itself, so that a test sees what each of them writes and how it ends.</summary>
internal static class LaunchedRanks
{
    /// <summary>Runs the ranks to their ends.</summary>
    /// <param name="count">How many.</param>
    /// <param name="arguments">Their command line.</param>
    /// <param name="wrap">What is started in the place of <c>dotnet</c> and its arguments on a rank; null for those.</param>
    /// <param name="more">More variables.</param>
    public static Task<ProgramRun[]> RunAsync(int count, string[] arguments, Func<int, string[], string[]>? wrap = null, params (string Name, string? Value)[] more)
    {
        IReadOnlyDictionary<string, string?>[] environments = Environments(count, more);
        return Task.WhenAll(environments.Select((environment, rank) =>
        {
            string[] words = ["dotnet", Program, .. arguments];
            words = wrap?.Invoke(rank, words) ?? words;
            return ProgramRun.StartAsync(words[0], words[1..], environment: environment);
        }));
    }

    /// <summary>Starts the ranks of a run into <paramref name="output"/>, and gives their processes once rank 0 has taken <paramref name="steps"/> steps.</summary>
    public static async Task<Process[]> StartAndWaitForStepAsync(int count, string output, int steps, string[] arguments)
    {
        Process[] ranks = [.. Environments(count, []).Select(environment =>
        {
            var start = new ProcessStartInfo("dotnet", [Program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
            foreach ((string name, string? value) in environment)
            {
                start.Environment[name] = value;
            }

            return Process.Start(start)!;
        })];
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            limit.CancelAfter(TimeSpan.FromMinutes(3));
            string log = Path.Combine(output, "metrics_rank0.jsonl");
            while (!File.Exists(log) || (await File.ReadAllLinesAsync(log, limit.Token)).Length < steps)
            {
                Assert.All(ranks, rank => Assert.False(rank.HasExited, "a rank ended early"));
                await Task.Delay(50, limit.Token);
            }

            return ranks;
        }
        catch
        {
            Kill(ranks);
            throw;
        }
    }

    /// <summary>Waits for the ends of started ranks.</summary>
    public static async Task<ProgramRun[]> EndAsync(Process[] ranks)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(3));
        try
        {
            return await Task.WhenAll(ranks.Select(async rank =>
            {
                Task<string> output = rank.StandardOutput.ReadToEndAsync(limit.Token), error = rank.StandardError.ReadToEndAsync(limit.Token);
                await rank.WaitForExitAsync(limit.Token);
                return new ProgramRun(rank.ExitCode, await output, await error);
            }));
        }
        finally
        {
            Kill(ranks);
        }
    }

    private static string Program => Path.Combine(AppContext.BaseDirectory, "convoy.dll");

    private static void Kill(Process[] ranks)
    {
        foreach (Process rank in ranks)
        {
            if (!rank.HasExited)
            {
                rank.Kill(entireProcessTree: true);
            }

            rank.Dispose();
        }
    }

    private static IReadOnlyDictionary<string, string?>[] Environments(int count, (string Name, string? Value)[] more)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        string port = Text(((IPEndPoint)listener.LocalEndpoint).Port), secret = Guid.NewGuid().ToString("N");
        return
        [
            .. Enumerable.Range(0, count).Select(rank =>
            {
                var environment = new Dictionary<string, string?>
                {
                    ["RANK"] = Text(rank), ["WORLD_SIZE"] = Text(count), ["LOCAL_RANK"] = Text(rank), ["LOCAL_WORLD_SIZE"] = Text(count),
                    ["MASTER_ADDR"] = "127.0.0.1", ["MASTER_PORT"] = port, ["CONVOY_JOB_SECRET"] = secret, ["OMP_NUM_THREADS"] = "1",
                };
                foreach ((string name, string? value) in more)
                {
                    environment[name] = value;
                }

                return environment;
            }),
        ];
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
