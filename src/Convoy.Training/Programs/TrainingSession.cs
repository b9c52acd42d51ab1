using System.Globalization;
using Convoy.Distributed.Diagnostics;
using Convoy.Distributed.Launch;
using Convoy.Training.Checkpoints;
using Convoy.Training.Kernels;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Workers;

namespace Convoy.Training.Programs;

/// <summary>
/// A training run as its user sees it: everything is checked before anything is written; then the data is made ready if
/// need be, the processes train while this one shows how far they are, and what they left is told.
/// </summary>
/// <param name="task">The program with the task.</param>
/// <param name="run">Where the run keeps its files.</param>
/// <param name="configuration">The run's settings from here on.</param>
/// <param name="resumed">The run that goes on; null for a new one.</param>
/// <param name="display">Where it is shown; stays the caller's.</param>
/// <param name="job">The job whose rank 0 this process is, as a launcher has started the run's processes; null, the default, for a session that starts them.</param>
public class TrainingSession(TaskProgram task, RunDirectory run, RunConfiguration configuration, ResumedRun? resumed, ITrainingDisplay display, LaunchedJob? job = null)
{
    private StartingPoint? _start;
    private RunConfiguration? _before;
    private int _samples;

    /// <summary>Where the run keeps its files.</summary>
    protected RunDirectory Run => run;

    /// <summary>The run's settings.</summary>
    protected RunConfiguration Configuration => configuration;

    /// <summary>Where it is shown.</summary>
    protected ITrainingDisplay Display => display;

    /// <summary>Whether a run that has done its steps still lacks what <see cref="FinishAsync"/> makes of it.</summary>
    protected virtual bool IsScored => false;

    private TrainingOptions Options => configuration.Training;

    /// <summary>The cores for what this process does alone, when the ranks are done: all of theirs that this machine has.</summary>
    protected int Cores => job is null ? Options.Nproc * Options.Threads : Math.Min(Options.Nproc * Options.Threads, Environment.ProcessorCount);

    /// <summary>Runs to the end.</summary>
    /// <param name="maxRestarts">How often a run that failed starts again from its last checkpoint.</param>
    /// <param name="trace">The steps to put on a time line; null for none.</param>
    /// <param name="interrupted">Asks for a last checkpoint and an early end.</param>
    /// <returns>The program's exit code.</returns>
    /// <exception cref="BadInputException">Something that the user gave is wrong; nothing was written.</exception>
    public async Task<int> RunAsync(int maxRestarts, TraceSteps? trace, CancellationToken interrupted)
    {
        // A run that goes on elsewhere must not be looked at while it changes; a new one has no folder yet.
        using RunLock held = resumed is not null ? await RunLock.AcquireAsync(run, TimeProvider.System, interrupted).ConfigureAwait(false) : await CheckAndCreateAsync(interrupted).ConfigureAwait(false);
        IReadOnlyList<string> changes = resumed is not null ? CheckResumed(resumed, held.WasCutShort) : [];
        if (Options.Precision.Warning() is { } warning)
        {
            display.Warn(warning);
        }

        held.Begin();
        run.RemoveLeftovers();
        if (resumed is not null)
        {
            run.GoBackTo(_start!.Checkpoint?.State.Step ?? 0);
        }

        LaunchResult result;
        try
        {
            await PrepareAsync(changes, held.Session, trace, interrupted).ConfigureAwait(false);
            result = job is null ? await TrainAsync(held, maxRestarts, trace, interrupted).ConfigureAwait(false) : TrainAsRank(job, trace, interrupted);
        }
        catch when (resumed is null && !run.HasSteps)
        {
            // No process ever trained: what is there would only block the next try. Some systems keep the folder of an open file.
            held.Dispose();
            run.Remove();
            throw;
        }

        bool traced = trace is not null && MergeTraces(failed: result.Failure is not null);
        if (result.Interrupted)
        {
            return TellInterrupted();
        }

        if (result.Failure is { } failure)
        {
            bool isBadUsage = IsBadUsage(failure);
            if (_before is not null && isBadUsage)
            {
                // What only the ranks can find, such as a checkpoint of another program's model: the run stays what it was.
                run.WriteConfig(_before);
            }

            TellLastOperations();
            bool isKept = resumed is not null || !isBadUsage || run.HasSteps;
            if (!isKept)
            {
                // What only the ranks can find, such as a kernel that the processor lacks: corrected, the command finds its folder empty.
                held.Dispose();
                run.Remove();
            }

            ConsoleProgram.WriteError(FailureText.Describe(failure, keepsLogs: isKept));
            return isBadUsage ? ExitCodes.BadUsage : ExitCodes.Failed;
        }

        int code = await FinishAsync(traced, interrupted).ConfigureAwait(false);
        if (code == ExitCodes.Done)
        {
            held.End();
        }

        return code;
    }

    /// <summary>Makes what is made of a run that is done, and tells its user. A session that is killed here is finished by the next.</summary>
    /// <param name="traced">Whether there is a time line.</param>
    /// <param name="interrupted">Asks for an early end.</param>
    /// <returns>The exit code.</returns>
    protected virtual Task<int> FinishAsync(bool traced, CancellationToken interrupted)
    {
        TellMade(traced, []);
        display.Say("Try next:");
        display.Say(Options.KeepCheckpoints > 0
            ? $"  convoy train --resume {Here()} --epochs {Options.Epochs * 2}   train for longer"
            : $"  convoy report {Here()}   where the time of a step goes");
        return Task.FromResult(ExitCodes.Done);
    }

    /// <summary>Tells what the run left in its folder.</summary>
    /// <param name="traced">Whether there is a time line.</param>
    /// <param name="more">More lines: what the task left.</param>
    protected void TellMade(bool traced, IEnumerable<string> more)
    {
        ArgumentNullException.ThrowIfNull(more);
        display.Say($"Made in {run.Root}:");
        if (Options.KeepCheckpoints > 0)
        {
            display.Say($"  {Path.GetRelativePath(run.Root, Checkpoint.Find(run.Root).Folder)}/  the trained network (safetensors)");
        }

        display.Say("  metrics.json, tensorboard/  loss and time of every step");
        if (traced)
        {
            display.Say("  trace.json  a time line of some steps; open it in ui.perfetto.dev or chrome://tracing");
        }

        foreach (string line in more)
        {
            display.Say(line);
        }
    }

    /// <summary>The run directory as a path from the current folder.</summary>
    protected string Here() => Path.GetRelativePath(Directory.GetCurrentDirectory(), run.Root);

    private async Task PrepareAsync(IReadOnlyList<string> changes, string session, TraceSteps? trace, CancellationToken interrupted)
    {
        // Before the data is made: from now on --resume goes on with the run, whatever kills this session.
        run.WriteConfig(configuration);
        if (job is null)
        {
            await PrepareDataAsync(interrupted).ConfigureAwait(false);
        }
        else
        {
            job.Begin(configuration, run, session, _samples, trace);
            job.Together(() => PrepareDataAsync(interrupted).GetAwaiter().GetResult());
        }

        foreach (string change in changes)
        {
            display.Say($"Changed: {change}.");
        }

        if (resumed is not null && _start!.Checkpoint is null)
        {
            display.Say("The run has no checkpoint yet: it starts from the beginning.");
        }

        Announce(new TrainingPlan(Options, _samples));
    }

    private Task PrepareDataAsync(CancellationToken interrupted) =>
        display.ShowPreparation(progress => task.PrepareDataAsync(configuration, run.Root, progress, display.Notice, interrupted));

    // What can be wrong is found here, where nothing has been written yet.
    private async Task<RunLock> CheckAndCreateAsync(CancellationToken interrupted)
    {
        _ = CheckData();
        run.Create();
        RunLock held = await RunLock.AcquireAsync(run, TimeProvider.System, interrupted).ConfigureAwait(false);
        try
        {
            // Two sessions may have found the folder empty; the other one may be done by now.
            run.Create();
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    // Looks at all of the data, which is done once.
    private TrainingPlan CheckData()
    {
        TaskProgram.CheckKernels(Options);
        if (Options.Fuse.Measures && resumed is not null && File.Exists(run.Kernels))
        {
            KernelChooser.RequireReadable(run.Kernels, isFile: false);
        }

        _samples = task.CountSamples(configuration, run.Root, display.Warn);
        return new TrainingPlan(Options, _samples);
    }

    /// <param name="earlier">The run.</param>
    /// <param name="cutShort">Whether its last session was killed or failed, so that this one may have nothing to do but to end it.</param>
    /// <returns>What the run does otherwise than before, a line each.</returns>
    private IReadOnlyList<string> CheckResumed(ResumedRun earlier, bool cutShort)
    {
        TrainingPlan plan = CheckData();
        _start = earlier.Start(Options.Nproc);
        foreach (string warning in _start.Warnings)
        {
            display.Warn(warning);
        }

        RunConfiguration before = _before = run.ReadConfig();
        bool scored = Options.KeepCheckpoints > 0 && IsScored;
        long done = _start.Checkpoint?.State.Step ?? 0;
        if (_start.Checkpoint is { } checkpoint)
        {
            task.CheckCheckpoint(checkpoint, configuration);
        }
        else if (earlier.IsComplete(plan.Steps, scored: false))
        {
            throw new BadInputException("the run is done and kept no checkpoint to go on from", run.Root, "Start a new run.");
        }

        if (plan.Steps < done || (plan.Steps == done && !cutShort && earlier.IsComplete(done, scored)))
        {
            throw new BadInputException("the run is already that far", $"step {done} of {plan.Steps}", "Give more --steps or --epochs.");
        }

        return done == 0 ? [] : [.. ResumeChanges.Describe(before.Training, Options, task.SampleNoun), .. task.DescribeChanges(before.Task)];
    }

    private void Announce(TrainingPlan plan)
    {
        string each = Options.Nproc == 1 ? "process" : "processes";
        string threads = Options.Threads == 1 ? "thread" : "threads";
        display.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"Training on {Options.Nproc} {each} x {Options.Threads} {threads}: {task.DescribeData(_samples)}, {plan.Steps} steps of {Options.BatchSize} {task.SampleNoun}s, into {run.Root}"));
    }

    // This process is rank 0. What goes wrong comes out as it is, and is told by the job, once for all ranks.
    private LaunchResult TrainAsRank(LaunchedJob launched, TraceSteps? trace, CancellationToken interrupted)
    {
        try
        {
            TrainingOutcome outcome = launched.Train(task, configuration, run, trace, new Listener(this), interrupted);
            return new LaunchResult([outcome.Interrupted ? ExitCodes.Interrupted : ExitCodes.Done], Failure: null, outcome.Interrupted, Restarts: 0);
        }
        catch when (_before is not null && launched.FailureCode == ExitCodes.BadUsage)
        {
            // What only the ranks can find, such as a checkpoint of another program's model: the run stays what it was.
            run.WriteConfig(_before);
            throw;
        }
        finally
        {
            display.Dispose();
        }
    }

    private async Task<LaunchResult> TrainAsync(RunLock held, int maxRestarts, TraceSteps? trace, CancellationToken interrupted)
    {
        var listener = new Listener(this);
        var processes = new TrainingProcesses(run, Options, task.Workers)
        {
            Session = held.Session,
            MaxRestarts = maxRestarts,
            Trace = trace,
            OnEvent = listener.Report,
            OnNotice = display.Notice,
            OnRestart = (failure, restart) => display.Say($"Restart {restart} of {maxRestarts} from the last checkpoint: {FailureText.Describe(failure)}"),
        };
        try
        {
            return await processes.RunAsync(interrupted).ConfigureAwait(false);
        }
        finally
        {
            display.Dispose();
        }
    }

    // A rank that found it is sometimes ended for another that found it too, before its exit code can tell.
    private static bool IsBadUsage(WorkerFailure failure) =>
        failure.ExitCode == ExitCodes.BadUsage || failure.Callstack?.StartsWith(typeof(BadInputException).FullName!, StringComparison.Ordinal) == true;

    private bool MergeTraces(bool failed)
    {
        try
        {
            return TraceFile.Merge(run.Logs, run.Trace, display.Notice);
        }
        catch (Exception error) when (failed && error is IOException or UnauthorizedAccessException)
        {
            // The run's own error comes after this and counts more.
            display.Notice($"the trace cannot be written ({error.Message})");
            return false;
        }
    }

    // Which rank did not do what the others did is often all that there is to know.
    private void TellLastOperations()
    {
        if (FlightRecorderAnalysis.Read(run.Logs, display.Notice) is { Findings.Count: > 0 } analysis)
        {
            display.Say($"Last operations of the ranks (logs/flight-recorder-rank-*.json): {analysis}");
        }
    }

    private int TellInterrupted()
    {
        string command = $"convoy train --resume {run.Root}";
        if (Checkpoint.Latest(run.Checkpoints) is { } checkpoint)
        {
            display.Say($"Stopped; the checkpoint is {checkpoint.Folder}");
            display.Say("Go on with: ", command);
        }
        else
        {
            display.Say("Stopped before a checkpoint could be written. Start from the beginning with: ", command);
        }

        return ExitCodes.Interrupted;
    }

    /// <summary>Shows what rank 0 tells.</summary>
    private sealed class Listener(TrainingSession session) : IProgress<TrainingEvent>
    {
        private readonly HashSet<string> _said = [.. session._start?.Warnings ?? []];

        public void Report(TrainingEvent value)
        {
            // The ranks look for the checkpoint again, and say again what the session has said.
            if (value.Warning is { } warning && _said.Add(warning))
            {
                session.Display.Warn(warning);
            }

            session.Display.Show(value);
        }
    }
}
