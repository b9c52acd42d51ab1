using System.Runtime.InteropServices;
using Convoy.Distributed.Launch.Processes;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Launch;

/// <summary>All workers of one start: waits for them, and ends them when one fails or the caller cancels.</summary>
internal sealed class WorkerGroup : IDisposable
{
    // On a terminal Ctrl-C reaches the workers too, and one may end of it before this process hears of its own; and workers that another machine's launcher asked to end may draw those
    // of this one along before this launcher looks.
    private static readonly TimeSpan InterruptSettling = TimeSpan.FromSeconds(0.25);
    private static readonly TimeSpan ErrorSettling = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LeftoverPollInterval = TimeSpan.FromSeconds(0.02);
    private static readonly TimeSpan OutputDraining = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Forever = Timeout.InfiniteTimeSpan;

    private readonly WorkerEnvironment _environment;
    private readonly List<WorkerProcess> _workers = [];

    private WorkerGroup(WorkerEnvironment environment) => _environment = environment;

    private TimeSpan Settling => InterruptSettling + TimeSpan.FromSeconds(_environment.Place.NodeCount > 1 ? 2 * _environment.Options.MonitorIntervalSeconds : 0);

    private TimeSpan Grace => TimeSpan.FromSeconds(_environment.Options.GraceSeconds);

    /// <summary>Starts every rank; when one can't be started, those before it are ended.</summary>
    /// <exception cref="LaunchException">The program could not be started.</exception>
    public static async Task<WorkerGroup> StartAsync(WorkerEnvironment environment, Action<WorkerOutputLine>? onOutput)
    {
        var group = new WorkerGroup(environment);
        try
        {
            for (int local = 0; local < environment.Options.ProcessCount; local++)
            {
                group._workers.Add(WorkerProcess.Start(local, environment, onOutput));
            }

            return group;
        }
        catch
        {
            await group.EndAsync([(Signal.Kill, Forever)]).ConfigureAwait(false);
            await group.EndLeftoversAsync().ConfigureAwait(false);
            group.Dispose();
            throw;
        }
    }

    /// <summary>Waits until no process of the group is left.</summary>
    /// <param name="elsewhere">Ends when another machine's launcher asks this one to end its workers.</param>
    /// <param name="onStopping">Called when the workers are about to be ended because of something on this machine.</param>
    /// <param name="cancellation">Interrupts the workers: <see cref="LauncherOptions.InterruptSignal"/>, after the grace times SIGTERM and SIGKILL.</param>
    public async Task<GroupOutcome> RunAsync(Task<StopReason> elsewhere, Action<StopReason> onStopping, CancellationToken cancellation)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration registration = cancellation.Register(cancelled.SetResult);

        using var watching = new CancellationTokenSource();
        Task watch = WatchStoppedAsync(watching.Token);
        WorkerProcess? failed;
        try
        {
            failed = await FirstFailureAsync(Task.WhenAny(cancelled.Task, elsewhere)).ConfigureAwait(false);
        }
        finally
        {
            // Not waited for: a notice of stopped workers may block or throw, and must not keep the workers from being ended.
            await watching.CancelAsync().ConfigureAwait(false);
        }

        if (failed is not null && MayBeOurs(failed.ExitCode))
        {
            await Task.WhenAny(cancelled.Task, elsewhere, Task.Delay(Settling, CancellationToken.None)).ConfigureAwait(false);
        }

        if (failed is not null)
        {
            // A rank that has told its error ends by itself, perhaps a moment after those that lost it: its exit code is to be its own.
            await Task.WhenAny(cancelled.Task, Task.WhenAll(_workers.Where(w => w.Error is not null).Select(w => w.Exited)), Task.Delay(ErrorSettling, CancellationToken.None)).ConfigureAwait(false);
        }

        // Those that ended by themselves: what is sent below ends the others.
        WorkerProcess[] failures = [.. _workers.Where(w => w.Exited.IsCompleted && w.ExitCode != 0)];
        bool finished = _workers.TrueForAll(w => w.Exited.IsCompleted && w.ExitCode == 0);
        StopReason? told = elsewhere.IsCompletedSuccessfully ? elsewhere.Result : null;
        bool inOrder = failed is null ? !finished : MayBeOurs(failed.ExitCode);
        bool interrupted = inOrder && (cancellation.IsCancellationRequested || told == StopReason.Interrupt);
        bool regrouped = inOrder && !interrupted && told == StopReason.Membership;
        if (interrupted || (failed is not null && !regrouped))
        {
            onStopping(interrupted ? StopReason.Interrupt : StopReason.Failure);
        }

        await EndAsync(interrupted ? InterruptSteps() : regrouped ? RegroupSteps() : [(Signal.Terminate, Grace), (Signal.Kill, Forever)]).ConfigureAwait(false);
        await EndLeftoversAsync().ConfigureAwait(false);
        await DrainOutputAsync().ConfigureAwait(false);
        if (watch.IsFaulted)
        {
            await watch.ConfigureAwait(false);
        }

        IEnumerable<WorkerProcess> causes = interrupted || regrouped || failed is null ? [] : CandidatesForTheCause(failures);
        return new GroupOutcome([.. _workers.Select(w => w.ExitCode)], WorkerFailure.CauseFirst(causes.Select(w => w.Failure())), interrupted) { Finished = finished };
    }

    /// <inheritdoc/>
    public void Dispose() => _workers.ForEach(w => w.Dispose());

    private Task WatchStoppedAsync(CancellationToken stop) => _environment.Options.OnNotice is { } notice
        ? new StoppedWorkers(IProcessTable.Current, notice, TimeProvider.System).WatchAsync(() => _workers.Where(w => !w.Exited.IsCompleted).Select(w => (w.Rank, w.ProcessId)), stop)
        : Task.CompletedTask;

    // A terminal, or whoever signals the whole process group, reaches the workers as well as this process.
    private static bool MayBeOurs(int exitCode) => exitCode is 128 + Signal.Interrupt or 128 + Signal.Terminate or 128 + Signal.HangUp;

    /// <summary>The first worker by time that failed, or null when all are done, output can't be passed on, or the caller cancelled.</summary>
    private async Task<WorkerProcess?> FirstFailureAsync(Task cancelled)
    {
        List<Task> running = [.. _workers.Select(w => w.Exited)];
        Task[] readerFailures = [.. _workers.SelectMany(w => w.Reading).Select(FailureOnly)];
        while (running.Count > 0)
        {
            Task first = await Task.WhenAny([.. running, cancelled, .. readerFailures]).ConfigureAwait(false);
            if (!running.Remove(first))
            {
                return null;
            }

            // Several may have ended since the last look: the system's time of their end decides.
            WorkerProcess? failed = _workers.Where(w => w.Exited.IsCompleted && w.ExitCode != 0).MinBy(w => w.ExitTime);
            if (failed is not null)
            {
                return failed;
            }
        }

        return null;
    }

    // The first to end is not always the first to fail: a rank with an error can take longer to end than those that
    // notice its absence. So what the workers recorded decides.
    private IEnumerable<WorkerProcess> CandidatesForTheCause(WorkerProcess[] failures) =>
        _workers.Where(w => failures.Contains(w) || (w.ExitCode != 0 && w.Error is not null));

    // They go on from what they save now.
    private (int Signal, TimeSpan Wait)[] RegroupSteps() => [(Signal.Terminate, TimeSpan.FromSeconds(_environment.Options.InterruptGraceSeconds)), (Signal.Kill, Forever)];

    private (int Signal, TimeSpan Wait)[] InterruptSteps()
    {
        LauncherOptions options = _environment.Options;
        TimeSpan checkpointGrace = TimeSpan.FromSeconds(options.InterruptGraceSeconds);
        return (options.ChooseInterruptSignal?.Invoke() ?? options.InterruptSignal) == PosixSignal.SIGINT
            ? [(Signal.Interrupt, checkpointGrace), (Signal.Terminate, Grace), (Signal.Kill, Forever)]
            : [(Signal.Terminate, checkpointGrace), (Signal.Kill, Forever)];
    }

    // A task that ends only when the reader fails.
    private static async Task FailureOnly(Task reader)
    {
        await reader.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!reader.IsFaulted)
        {
            await new TaskCompletionSource().Task.ConfigureAwait(false);
        }
    }

    private async Task EndAsync((int Signal, TimeSpan Wait)[] steps)
    {
        Task exited = Task.WhenAll(_workers.Select(w => w.Exited));
        foreach ((int signal, TimeSpan wait) in steps)
        {
            if (exited.IsCompleted)
            {
                return;
            }

            // A worker that ignores SIGINT, as a shell's background jobs do, would only lose the time that it has to end in an orderly way.
            _workers.ForEach(w => w.Send(signal == Signal.Interrupt && w.Ignores(signal) ? Signal.Terminate : signal));
            await Task.WhenAny(exited, Task.Delay(wait)).ConfigureAwait(false);
        }
    }

    // What the workers started and left behind ends with the run, or it would hold memory, cores and their output.
    private async Task EndLeftoversAsync()
    {
        long start = TimeProvider.System.GetTimestamp();
        int signal = Signal.Terminate;
        var signalled = new HashSet<int>();
        while (JobProcesses.Find(_environment.Run.LaunchId) is { Count: > 0 } leftovers)
        {
            if (signal == Signal.Terminate && TimeProvider.System.GetElapsedTime(start) > Grace)
            {
                signal = Signal.Kill;
                signalled.Clear();
            }

            foreach (int processId in leftovers.Where(signalled.Add))
            {
                Signal.Send(processId, signal);
            }

            await Task.Delay(LeftoverPollInterval).ConfigureAwait(false);
        }
    }

    // The streams end with the last process that holds them. One that hid from the search above can hold them for
    // ever; its reader then ends with it.
    private async Task DrainOutputAsync()
    {
        Task reading = Task.WhenAll(_workers.SelectMany(w => w.Reading));
        await Task.WhenAny(reading, Task.Delay(OutputDraining)).ConfigureAwait(false);
        foreach (Task reader in _workers.SelectMany(w => w.Reading).Where(r => r.IsFaulted))
        {
            await reader.ConfigureAwait(false);
        }
    }
}

/// <summary>How one start of this machine's workers ended.</summary>
/// <param name="ExitCodes">The exit code of each local rank.</param>
/// <param name="Failures">The workers that failed before they were told to end, the likely cause first.</param>
/// <param name="Interrupted">Whether they were interrupted.</param>
internal sealed record GroupOutcome(IReadOnlyList<int> ExitCodes, IReadOnlyList<WorkerFailure> Failures, bool Interrupted)
{
    /// <summary>Whether all had ended with exit code 0 before anybody asked for their end.</summary>
    public bool Finished { get; init; }
}

/// <summary>Why the workers of all machines are ended.</summary>
internal enum StopReason
{
    /// <summary>A worker failed, or could not be started.</summary>
    Failure,

    /// <summary>Somebody asked for it, by Ctrl-C or a signal.</summary>
    Interrupt,

    /// <summary>A machine came or leaves, and the workers start again with those that are there.</summary>
    Membership,
}
