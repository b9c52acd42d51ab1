using System.Runtime.InteropServices;
using System.Text.Json;
using Convoy.Distributed;
using Convoy.Distributed.Launch;
using Convoy.Metrics;
using TorchSharp;

namespace Convoy.Cli.Benchmarks;

/// <summary><c>convoy bench allreduce</c>: starts the processes, unless a launcher has, and sets what they measured beside what the memory allows.</summary>
internal static class AllReduceBenchmark
{
    /// <summary>The hidden verb that each process is started with.</summary>
    public const string WorkerVerb = "bench-allreduce-worker";

    private static readonly TimeSpan PatienceOfRanks = TimeSpan.FromMinutes(1);

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

        return Report(processes, settings, lines);
    }

    /// <summary>Measures as one of the ranks that a launcher has started.</summary>
    /// <returns>The report, on rank 0; null on the others.</returns>
    public static AllReduceReport? RunAsRank(AllReduceSettings settings, CancellationToken interrupted)
    {
        torch.set_num_threads(1);
        using ProcessGroup group = ProcessGroups.FromEnvironment(PatienceOfRanks, interrupted);
        string[] lines = [.. new AllReduceWorker(group, settings).Run(interrupted)];
        return group.IsMain ? Report(group.Size, settings, lines) : null;
    }

    private static AllReduceReport Report(int processes, AllReduceSettings settings, IReadOnlyList<string> lines)
    {
        double bandwidth = JsonSerializer.Deserialize<double>(lines[0]);
        long? cache = HostProbe.Read().LastLevelCacheBytes;
        return new AllReduceReport(processes, settings.Dtype, Math.Round(bandwidth / 1e9, 2), cache,
            [.. lines.Skip(1).Select(line => AllReduceResult.Summarize(JsonSerializer.Deserialize<AllReduceTimes>(line)!, processes, bandwidth, cache))]);
    }
}
