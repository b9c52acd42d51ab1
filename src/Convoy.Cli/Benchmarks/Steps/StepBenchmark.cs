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
/// <param name="copyRounds">Rounds in which each configuration of several processes is set beside independent copies, in a run of their own; 0 for none.</param>
/// <param name="pin">Whether each process keeps to cores of its own.</param>
internal sealed class StepBenchmark(TaskProgram task, int warmUp, int repeats, bool profile, int copyRounds, bool pin)
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
        var copies = new StepRun?[configurations.Count];
        int[] compared = copyRounds > 0 ? [.. Enumerable.Range(0, configurations.Count).Where(i => configurations[i].Training.Nproc > 1)] : [];
        int count = ((repeats + (profile ? 1 : 0)) * configurations.Count) + compared.Length, number = 0;
        for (int round = 0; round < repeats + (profile ? 1 : 0); round++)
        {
            for (int i = 0; i < configurations.Count; i++)
            {
                StepRun run = await RunAsync(i, new StepMeasurement(configurations[i], StepsOf(i), warmUp, Profile: round == repeats));
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

        foreach (int i in compared)
        {
            copies[i] = await RunAsync(i, new StepMeasurement(configurations[i], StepsOf(i), warmUp, Profile: false, copyRounds));
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
                    Copies = copies[i] is { } beside ? StepCopies.Summarize(beside.Copies) : null,
                }),
            ]);

        int StepsOf(int i) => (int)configurations[i].Training.Steps!.Value;

        async Task<StepRun> RunAsync(int i, StepMeasurement measurement)
        {
            OnRun(++number, count, StepConfiguration.From(configurations[i].Training));
            return await RunOnceAsync(measurement, interrupted);
        }
    }

    private async Task<StepRun> RunOnceAsync(StepMeasurement measurement, CancellationToken interrupted)
    {
        TrainingOptions training = measurement.Configuration.Training;
        DirectoryInfo folder = TemporaryFolder.Create("convoy-bench-step-", ConsoleOutput.Notice);
        try
        {
            measurement.Write(folder.FullName);
            StepRun? measured = null;
            LaunchResult result = await new Launcher(new LauncherOptions
            {
                Program = task.Workers.Program,
                Environment = WorkerProgram.Environment(WorkerRole.Steps, folder.FullName),
                PinCores = pin,
                ProcessCount = training.Nproc,
                ThreadsPerProcess = training.Threads,
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
