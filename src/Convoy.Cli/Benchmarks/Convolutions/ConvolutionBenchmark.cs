using System.Runtime.InteropServices;
using System.Text.Json;
using Convoy.Distributed;
using Convoy.Distributed.Launch;
using Convoy.Training.Workers;

namespace Convoy.Cli.Benchmarks.Convolutions;

/// <summary><c>convoy bench convolution</c>: starts the processes and gathers what rank 0 measured.</summary>
internal static class ConvolutionBenchmark
{
    /// <summary>The hidden verb that each process is started with.</summary>
    public const string WorkerVerb = "bench-convolution-worker";

    /// <summary>Measures.</summary>
    /// <exception cref="DistributedException">A process failed; the message names it.</exception>
    /// <exception cref="OperationCanceledException">It was interrupted.</exception>
    public static async Task<ConvolutionReport> RunAsync(ConvolutionSettings settings, CancellationToken interrupted)
    {
        var passes = new List<ConvolutionPassReport>();
        LaunchResult result = await new Launcher(new LauncherOptions
        {
            Program = LaunchProgram.ThisProgram(WorkerVerb, settings.ToJson()),
            ProcessCount = settings.Processes,
            ThreadsPerProcess = settings.Threads,
            InterruptSignal = PosixSignal.SIGTERM,
            OnNotice = ConsoleOutput.Notice,
            OnOutput = line =>
            {
                if (line.Rank == 0 && line.Stream == WorkerOutputStream.Output)
                {
                    passes.Add(JsonSerializer.Deserialize<ConvolutionPassReport>(line.Text)!);
                }
            },
        }).RunAsync(interrupted);
        interrupted.ThrowIfCancellationRequested();
        return result.Failure is { } failure ? throw new DistributedException(FailureText.Describe(failure, hasTimeout: false, keepsLogs: false))
            : ConvolutionReport.From(settings, passes);
    }
}
