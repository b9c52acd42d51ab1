using System.Runtime.InteropServices;
using System.Text.Json;
using Convoy.Distributed;
using Convoy.Distributed.Launch;
using Convoy.Metrics;

namespace Convoy.Cli.Benchmarks;

/// <summary><c>convoy bench allreduce</c>: starts the processes and sets what they measured beside what the memory allows.</summary>
internal static class AllReduceBenchmark
{
    /// <summary>The hidden verb that each process is started with.</summary>
    public const string WorkerVerb = "bench-allreduce-worker";

    /// <summary>Measures with <paramref name="processes"/> processes of one thread each.</summary>
    /// <exception cref="DistributedException">A process failed; the message names it.</exception>
    /// <exception cref="OperationCanceledException">It was interrupted.</exception>
    public static async Task<AllReduceReport> RunAsync(int processes, AllReduceSettings settings, CancellationToken interrupted)
    {
        var lines = new List<string>();
        LaunchResult result = await new Launcher(new LauncherOptions
        {
            Program = LaunchProgram.ThisProgram(WorkerVerb, settings.ToJson()),
            ProcessCount = processes,
            ThreadsPerProcess = 1,
            InterruptSignal = PosixSignal.SIGTERM,
            OnNotice = ConsoleOutput.Notice,
            OnOutput = line =>
            {
                if (line.Rank == 0 && line.Stream == WorkerOutputStream.Output)
                {
                    lines.Add(line.Text);
                }
            },
        }).RunAsync(interrupted);
        interrupted.ThrowIfCancellationRequested();
        if (result.Failure is { } failure)
        {
            string last = failure.Message is null && failure.LastLines.Count > 0 ? $": {failure.LastLines[^1].Trim()}" : ".";
            throw new DistributedException(failure.Describe() + last);
        }

        double bandwidth = JsonSerializer.Deserialize<double>(lines[0]);
        long? cache = HostProbe.Read().LastLevelCacheBytes;
        return new AllReduceReport(processes, settings.Dtype, Math.Round(bandwidth / 1e9, 2), cache,
            [.. lines.Skip(1).Select(line => AllReduceResult.Summarize(JsonSerializer.Deserialize<AllReduceTimes>(line)!, processes, bandwidth, cache))]);
    }
}
