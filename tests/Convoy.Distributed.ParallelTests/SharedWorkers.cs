using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;

[assembly: AssemblyFixture(typeof(Convoy.Distributed.ParallelTests.SharedWorkers))]

namespace Convoy.Distributed.ParallelTests;

/// <summary>
/// Worker processes that run one scenario after another: they wait here between two tests and end with the last test. A worker
/// whose scenario failed is not used again.
/// </summary>
public sealed class SharedWorkers : IAsyncLifetime
{
    // As many as the largest test has ranks; each takes some 150 MB.
    private const int MostIdle = 8;

    private static readonly ConcurrentStack<Process> Idle = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        while (Idle.TryPop(out Process? process))
        {
            await EndAsync(process);
        }
    }

    /// <summary>Runs a scenario as one rank, in a process that may have run others.</summary>
    internal static async Task<WorkerResult> RunAsync(int rank, IReadOnlyList<KeyValuePair<string, string>> environment, ProcessStartInfo start, string[] scenario, TimeSpan timeout)
    {
        Process process = Idle.TryPop(out Process? waiting) ? waiting : Process.Start(start)!;
        int id = process.Id;
        using var limit = new CancellationTokenSource(timeout);
        try
        {
            await process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(new { Environment = environment.ToDictionary(), Arguments = scenario }).AsMemory(), limit.Token);
            string? line = await process.StandardOutput.ReadLineAsync(limit.Token);
            if (line is null)
            {
                string errors = await process.StandardError.ReadToEndAsync(limit.Token);
                await process.WaitForExitAsync(limit.Token);
                return new WorkerResult(rank, id, process.ExitCode, "", errors);
            }

            Reply reply = JsonSerializer.Deserialize<Reply>(line)!;
            if (reply.ExitCode == 0 && Idle.Count < MostIdle)
            {
                Idle.Push(process);
            }
            else
            {
                await EndAsync(process, reply.ExitCode);
            }

            return new WorkerResult(rank, id, reply.ExitCode, reply.Output, reply.Errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            return new WorkerResult(rank, id, -1, "", "took too long: " + await process.StandardError.ReadToEndAsync(CancellationToken.None));
        }
    }

    // Also the end of a worker is tested: no scenario may leave anything that keeps its process from ending well.
    private static async Task EndAsync(Process process, int expected = 0)
    {
        using (process)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(80));
            try
            {
                process.StandardInput.Close();
                string errors = await process.StandardError.ReadToEndAsync(limit.Token);
                await process.WaitForExitAsync(limit.Token);
                Assert.True(process.ExitCode == expected, $"a worker ended with exit code {process.ExitCode}: {errors}");
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                throw new TimeoutException($"worker {process.Id} did not end when it was to");
            }
        }
    }

    private sealed record Reply(int ExitCode, string Output, string Errors);
}
