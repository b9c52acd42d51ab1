using System.CommandLine;
using Convoy.Cli.Training;
using Convoy.Distributed;
using Convoy.Distributed.Diagnostics;
using Convoy.Distributed.Launch;
using Convoy.Lanes.Training;
using TorchSharp;

namespace Convoy.Cli.Commands;

/// <summary>One process of <c>convoy train</c>, which starts it; people don't.</summary>
internal static class TrainWorkerCommand
{
    public static Command Create()
    {
        var directory = new Argument<string>("RUN") { Description = "The run directory." };
        var command = new Command(TrainingProcesses.WorkerVerb, "One process of convoy train.") { directory };
        command.Hidden = true;
        command.SetAction((parsed, stop) => Task.FromResult(Run(new RunDirectory(parsed.GetRequiredValue(directory)), stop)));
        return command;
    }

    private static int Run(RunDirectory run, CancellationToken stop)
    {
        using ParentWatch? watch = ParentWatch.Start(() => Environment.Exit(ExitCodes.Failed));

        // As long as this process lives, nobody else begins a session of the run.
        using RunLock? held = RunLock.JoinFromEnvironment(run);
        TrainingOptions options = run.ReadConfig();
        torch.set_num_threads(options.Threads);
        using ProcessGroup group = ProcessGroup.FromEnvironment(TimeSpan.FromSeconds(options.TimeoutSeconds), stop);
        try
        {
            using TraceRecorder? trace = TraceRecorder.FromEnvironment(group);
            using var trainer = new Trainer(options, run, group, TimeProvider.System, trace, stop) { Launch = RecordedLaunch.From(options, run) };
            TrainingOutcome outcome = trainer.Run(new LineWriter(), stop);

            // All ranks stop when one is asked to. Only that one ended because of a signal, so that the launcher names it.
            return outcome.Interrupted && stop.IsCancellationRequested ? ExitCodes.Interrupted : ExitCodes.Done;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // While this rank is still in the group: the others fail as soon as it leaves.
            WorkerErrorFile.Record(error);
            group.FlightRecorder?.Write(error.Message);
            throw;
        }
    }

    /// <summary>Writes events to standard output as they happen; the base class library's Progress would hand them to other threads, out of order.</summary>
    private sealed class LineWriter : IProgress<TrainingEvent>
    {
        public void Report(TrainingEvent value) => Console.Out.WriteLine(value.ToLine());
    }
}
