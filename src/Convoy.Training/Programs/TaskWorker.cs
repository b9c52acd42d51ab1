using Convoy.Distributed;
using Convoy.Distributed.Diagnostics;
using Convoy.Distributed.Launch;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Tasks;
using Convoy.Training.Measurement;
using Convoy.Training.Tuning;
using Convoy.Training.Workers;
using static TorchSharp.torch;

namespace Convoy.Training.Programs;

/// <summary>
/// What a program with a task does when Convoy starts it: which of its parts is said by <see cref="WorkerRole"/>.
/// </summary>
/// <param name="host">The task.</param>
internal sealed class TaskWorker(TaskHost host)
{
    /// <summary>Does what a role asks for.</summary>
    /// <param name="role">The role.</param>
    /// <param name="stop">Asks for an early end.</param>
    /// <returns>The exit code.</returns>
    public int Run(string role, CancellationToken stop)
    {
        string folder = Environment.GetEnvironmentVariable(WorkerRole.FolderVariable) ?? string.Empty;
        switch (role)
        {
            case WorkerRole.Describe:
                return WriteDescription(folder);
            case WorkerRole.Prepare:
                return PrepareData(new RunDirectory(folder), stop);
            case WorkerRole.Train:
                return AsRank(new RunDirectory(folder).ReadConfig, (configuration, group) => TrainRun(configuration, new RunDirectory(folder), group, stop), stop);
            case WorkerRole.Trials:
                var trials = new TrialFolder(folder);
                return AsRank(() => trials.Runs().First().ReadConfig(), (_, group) => TryAll(trials, group, stop), stop);
            case WorkerRole.Steps:
                var settings = StepMeasurement.Read(folder);
                return AsRank(() => settings.Configuration, (_, group) => MeasureSteps(settings, group, stop), stop);
            case WorkerRole.Peaks:
                using (ParentWatch.Start(() => Environment.Exit(ExitCodes.Failed)))
                {
                    Console.Out.WriteLine(PeakMeasurement.Measure(folder));
                }

                return ExitCodes.Done;
            default:
                throw new BadInputException("unknown role of a worker", $"{WorkerRole.Variable}={role}", $"Clear {WorkerRole.Variable}; convoy sets it for the processes that it starts.");
        }
    }

    private int WriteDescription(string folder)
    {
        TrainingOptions defaults = host.Defaults;
        int samples = host.CountSamples(defaults.Resolve(1), folder, ConsoleProgram.WriteWarning);
        Console.Out.WriteLine(new TaskDescription
        {
            Name = host.Name,
            SampleNoun = host.SampleNoun,
            Samples = samples,
            Prepares = host.Prepares,
            Data = host.DescribeData(samples),
            Settings = host.Table.ToJson(host.Settings),
            Defaults = defaults.ToJson(),
        }.ToLine());
        return ExitCodes.Done;
    }

    private int PrepareData(RunDirectory run, CancellationToken stop)
    {
        RunConfiguration configuration = run.ReadConfig();
        host.Apply(configuration.Task);
        host.PrepareData(new DataPreparation(Environment.GetEnvironmentVariable(WorkerRole.DataFolderVariable) ?? run.Root, configuration.Training.Seed, NoProgress.Instance, stop));
        return ExitCodes.Done;
    }

    private int AsRank(Func<RunConfiguration> read, Func<RunConfiguration, ProcessGroup, int> work, CancellationToken stop)
    {
        RunConfiguration configuration = read();
        set_num_threads(configuration.Training.Threads);
        return DistributedProgram.RunRank(
            group =>
            {
                host.Apply(configuration.Task);
                return work(configuration, group);
            },
            TimeSpan.FromSeconds(configuration.Training.TimeoutSeconds),
            stop);
    }

    private int TrainRun(RunConfiguration configuration, RunDirectory run, ProcessGroup group, CancellationToken stop)
    {
        // As long as this process lives, nobody else begins a session of the run.
        using RunLock? held = RunLock.JoinFromEnvironment(run);
        using TraceRecorder? trace = TraceRecorder.FromEnvironment(group);
        TrainingOutcome outcome = host.Train(configuration, run, group, trace, new LineWriter(), stop);

        // All ranks stop when one is asked to. Only that one ended because of a signal, so that the launcher names it.
        return outcome.Interrupted && stop.IsCancellationRequested ? ExitCodes.Interrupted : ExitCodes.Done;
    }

    private int TryAll(TrialFolder folder, ProcessGroup group, CancellationToken stop) =>
        new TrialWorker(folder, group, new PeakMemory(), Console.Out.WriteLine, (configuration, run, watcher, end) => host.Train(configuration, run, group, null, watcher, end)).Run(stop) ? ExitCodes.Done : ExitCodes.Interrupted;

    private int MeasureSteps(StepMeasurement settings, ProcessGroup group, CancellationToken stop)
    {
        StepRun run = settings.Run((onNote, onModel, onStep) => host.MeasureSteps(settings.Configuration, group, settings.Steps, onNote, onModel, onStep, stop), group);
        if (settings.CopyRounds > 0)
        {
            List<string> notes = [.. run.Notes];
            IReadOnlyList<CopyRound> copies = host.CompareWithCopies(settings.Configuration, group, settings.CopyRounds, notes.Add, stop);
            run = run with { Copies = copies, Notes = notes };
        }

        if (group.Rank == 0)
        {
            Console.Out.WriteLine(run.ToLine());
        }

        return ExitCodes.Done;
    }

    /// <summary>Writes events to standard output as they happen; the base class library's Progress would hand them to other threads, out of order.</summary>
    private sealed class LineWriter : IProgress<TrainingEvent>
    {
        public void Report(TrainingEvent value) => Console.Out.WriteLine(value.ToLine());
    }
}
