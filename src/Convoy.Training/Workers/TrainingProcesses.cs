using System.Runtime.InteropServices;
using Convoy.Distributed;
using Convoy.Distributed.Diagnostics;
using Convoy.Distributed.Launch;
using Convoy.Training.Options;
using Convoy.Training.Runs;

namespace Convoy.Training.Workers;

/// <summary>The processes that train the run of one run directory, whose <c>config.json</c> tells them everything.</summary>
/// <param name="run">The run directory, with its configuration written.</param>
/// <param name="options">That configuration.</param>
/// <param name="workers">The program with the task.</param>
public sealed class TrainingProcesses(RunDirectory run, TrainingOptions options, WorkerProgram workers)
{
    /// <summary>How often a run that failed starts again from its last checkpoint. Default 0.</summary>
    public int MaxRestarts { get; init; }

    /// <summary>The session whose hold on the run the processes join, see <see cref="RunLock"/>; null, the default, for a folder that nobody else works in.</summary>
    public string? Session { get; init; }

    /// <summary>The steps to put on a time line; null, the default, for none.</summary>
    public TraceSteps? Trace { get; init; }

    /// <summary>Told what rank 0 tells, one call at a time.</summary>
    public required Action<TrainingEvent> OnEvent { get; init; }

    /// <summary>Told of each restart: what failed, and the restart's number from 1.</summary>
    public Action<WorkerFailure, int>? OnRestart { get; init; }

    /// <summary>Told what people should see while it runs, in a line: that a process is stopped, say.</summary>
    public required Action<string> OnNotice { get; init; }

    /// <summary>Starts the processes and waits until none is left.</summary>
    /// <param name="interrupted">Asks them for an early end after their present step.</param>
    public Task<LaunchResult> RunAsync(CancellationToken interrupted)
    {
        FlightRecording.DeleteAll(run.Logs);
        TraceFile.DeleteAll(run.Logs);
        var launcher = new Launcher(new LauncherOptions
        {
            Program = workers.Program,
            ProcessCount = options.Nproc,
            ThreadsPerProcess = options.Threads,
            MaxRestarts = MaxRestarts,
            InterruptSignal = PosixSignal.SIGTERM,
            LogDirectory = run.Logs,
            OnNotice = OnNotice,
            Environment = Variables(),
            OnOutput = line =>
            {
                if (line.Rank == 0 && line.Stream == WorkerOutputStream.Output && TrainingEvent.FromLine(line.Text) is { } told)
                {
                    OnEvent(told);
                }
            },
            OnRestart = (failure, restart) =>
            {
                FlightRecording.DeleteAll(run.Logs);
                OnRestart?.Invoke(failure, restart);
            },
        });
        return launcher.RunAsync(interrupted);
    }

    private Dictionary<string, string> Variables()
    {
        var variables = new Dictionary<string, string>(WorkerProgram.Environment(WorkerRole.Train, run.Root))
        {
            [DiagnosticSettings.FlightDirectoryVariable] = run.Logs,

            // Empty where there is none: a variable of a session around this one must not come through.
            [RunLock.SessionVariable] = Session ?? string.Empty,
        };
        if (options.Backend != Backend.Auto)
        {
            variables[ProcessGroups.BackendVariable] = EnumNameConverter<Backend>.Format(options.Backend);
        }

        if (Trace is { } steps)
        {
            variables[TraceRecorder.DirectoryVariable] = run.Logs;
            variables[TraceRecorder.StepsVariable] = steps.ToString();
        }

        return variables;
    }
}
