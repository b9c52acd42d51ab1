using System.Runtime.InteropServices;
using Convoy.Distributed;
using Convoy.Distributed.Launch;
using Convoy.Training.Measurement;
using Convoy.Training.Options;
using Convoy.Training.Programs;
using Convoy.Training.Workers;

namespace Convoy.Cli.Benchmarks.Steps;

/// <summary><c>convoy bench step</c>: starts the configurations' processes in turn and sums up what they measured.</summary>
/// <param name="task">Whose task is measured.</param>
/// <param name="warmUp">Steps at the start of each run that are not measured.</param>
/// <param name="repeats">Runs of each configuration.</param>
/// <param name="profile">Whether each configuration is run once more to record layers and operators.</param>
internal sealed class StepBenchmark(TaskProgram task, int warmUp, int repeats, bool profile)
{
    /// <summary>Told of each run before it starts: its number from 1, how many there are, and its configuration.</summary>
    public required Action<int, int, StepConfiguration> OnRun { get; init; }

    /// <summary>Measures.</summary>
    /// <param name="configurations">Settings that differ in what makes a configuration only.</param>
    /// <param name="interrupted">Ends the processes.</param>
    /// <exception cref="DistributedException">A process failed; the message names it.</exception>
    /// <exception cref="OperationCanceledException">It was interrupted.</exception>
    public async Task<StepReport> RunAsync(IReadOnlyList<RunConfiguration> configurations, CancellationToken interrupted)
    {
        TrainingOptions first = configurations[0].Training;
        List<StepRun>[] runs = [.. configurations.Select(_ => new List<StepRun>())];
        var profiles = new StepRun?[configurations.Count];
        int rounds = repeats + (profile ? 1 : 0);
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < configurations.Count; i++)
            {
                OnRun((round * configurations.Count) + i + 1, rounds * configurations.Count, StepConfiguration.From(configurations[i].Training));
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

        IReadOnlyList<LayerWork> work = runs[0][0].Work;
        double flops = work.Sum(layer => layer.ForwardFlops + layer.BackwardFlops);
        return new StepReport(
            configurations[0].Task["encoder"]?.ToString(),
            configurations[0].Task["image_size"]?.ToString(),
            task.Words.Count > 0 ? string.Join(' ', task.Words) : null,
            task.SampleNoun,
            first.BatchSize, first.Accumulate, repeats, flops / 1e9, new StepWork(work),
            [
                .. configurations.Select((configuration, i) => StepResult.Summarize(StepConfiguration.From(configuration.Training), runs[i], first.BatchSize, first.Accumulate, flops) with
                {
                    Profile = profiles[i] is { } recorded ? StepProfile.From(recorded, configuration.Training.LocalBatchSize, configuration.Training.Nproc) : null,
                }),
            ]);
    }

    private async Task<StepRun> RunOnceAsync(RunConfiguration configuration, bool record, CancellationToken interrupted)
    {
        DirectoryInfo folder = TemporaryFolder.Create("convoy-bench-step-", ConsoleOutput.Notice);
        try
        {
            new StepMeasurement(configuration, (int)configuration.Training.Steps!.Value, warmUp, record).Write(folder.FullName);
            StepRun? measured = null;
            LaunchResult result = await new Launcher(new LauncherOptions
            {
                Program = task.Workers.Program,
                Environment = WorkerProgram.Environment(WorkerRole.Steps, folder.FullName),
                ProcessCount = configuration.Training.Nproc,
                ThreadsPerProcess = configuration.Training.Threads,
                InterruptSignal = PosixSignal.SIGTERM,
                OnNotice = ConsoleOutput.Notice,
                OnOutput = line =>
                {
                    if (line.Rank == 0 && line.Stream == WorkerOutputStream.Output)
                    {
                        measured = StepRun.FromLine(line.Text) ?? measured;
                    }
                },
            }).RunAsync(interrupted);
            interrupted.ThrowIfCancellationRequested();
            foreach (string note in measured?.Notes ?? [])
            {
                ConsoleOutput.Notice(note);
            }

            return result.Failure is { } failure ? throw new DistributedException(FailureText.Describe(failure, hasTimeout: false, keepsLogs: false))
                : measured ?? throw new DistributedException("rank 0 ended without a word of what it measured.");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
