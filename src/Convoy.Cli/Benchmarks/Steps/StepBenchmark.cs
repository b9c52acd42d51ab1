using System.Runtime.InteropServices;
using System.Text.Json;
using Convoy.Cli.Training;
using Convoy.Distributed;
using Convoy.Distributed.Launch;
using Convoy.Lanes.Training;

namespace Convoy.Cli.Benchmarks.Steps;

/// <summary><c>convoy bench step</c>: starts the configurations' processes in turn and sums up what they measured.</summary>
/// <param name="warmUp">Steps at the start of each run that are not measured.</param>
/// <param name="repeats">Runs of each configuration.</param>
/// <param name="profile">Whether each configuration is run once more to record layers and operators.</param>
internal sealed class StepBenchmark(int warmUp, int repeats, bool profile)
{
    /// <summary>The hidden verb that each process is started with.</summary>
    public const string WorkerVerb = "bench-step-worker";

    /// <summary>Told of each run before it starts: its number from 1, how many there are, and its configuration.</summary>
    public required Action<int, int, StepConfiguration> OnRun { get; init; }

    /// <summary>Measures.</summary>
    /// <param name="configurations">Options that differ in what makes a configuration only.</param>
    /// <param name="interrupted">Ends the processes.</param>
    /// <exception cref="DistributedException">A process failed; the message names it.</exception>
    /// <exception cref="OperationCanceledException">It was interrupted.</exception>
    public async Task<StepReport> RunAsync(IReadOnlyList<TrainingOptions> configurations, CancellationToken interrupted)
    {
        TrainingOptions first = configurations[0];
        NetworkWork work = NetworkWork.Of(first.Encoder, first.ImageSize);
        List<StepRun>[] runs = [.. configurations.Select(_ => new List<StepRun>())];
        var profiles = new StepRun?[configurations.Count];
        int rounds = repeats + (profile ? 1 : 0);
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < configurations.Count; i++)
            {
                OnRun((round * configurations.Count) + i + 1, rounds * configurations.Count, StepConfiguration.Of(configurations[i]));
                StepRun run = await RunOnceAsync(configurations[i], round == repeats, interrupted);
                if (round == repeats)
                {
                    profiles[i] = run;
                }
                else
                {
                    runs[i].Add(run);
                }
            }
        }

        double flops = work.ForwardFlops + work.BackwardFlops;
        return new StepReport(
            first.Encoder.ToString(), first.ImageSize.ToString(), first.BatchSize, first.Accumulate, repeats, flops / 1e9, work,
            [
                .. configurations.Select((options, i) => StepResult.Of(StepConfiguration.Of(options), runs[i], options.BatchSize, options.Accumulate, flops) with
                {
                    Profile = profiles[i] is { } recorded ? StepProfile.Of(recorded, work, options.LocalBatchSize, options.Nproc) : null,
                }),
            ]);
    }

    private async Task<StepRun> RunOnceAsync(TrainingOptions options, bool record, CancellationToken interrupted)
    {
        DirectoryInfo folder = TemporaryFolder.Create("convoy-bench-step-", ConsoleOutput.Notice);
        try
        {
            var lines = new List<string>();
            LaunchResult result = await new Launcher(new LauncherOptions
            {
                Program = LaunchProgram.ThisProgram(WorkerVerb, new StepSettings(options.ToJson(), folder.FullName, warmUp, record).ToJson()),
                ProcessCount = options.Nproc,
                ThreadsPerProcess = options.Threads,
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
            return result.Failure is { } failure
                ? throw new DistributedException(FailureText.Of(failure, hasTimeout: false))
                : JsonSerializer.Deserialize<StepRun>(lines[^1])!;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
