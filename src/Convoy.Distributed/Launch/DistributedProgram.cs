using System.Globalization;
using System.Runtime.CompilerServices;
using Convoy.Distributed.Diagnostics;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Launch;

/// <summary>
/// The whole Main of a program that runs on many processes: <c>return DistributedProgram.Run(group =&gt; Train(group));</c>. It joins the group that the
/// environment describes, ends with its launcher (<see cref="ParentWatch"/>), tells an uncaught exception to standard error and to the launcher
/// (<see cref="WorkerErrorFile"/>, as torchrun's <c>record</c>), and leaves the group.
/// </summary>
/// <remarks>
/// <para>
/// How many processes there are says who starts it: <c>convoy launch --nproc 4</c>, torchrun's environment, MPI or SLURM. Started alone it is one process, world size 1;
/// or it starts itself as often as it says, which is torch's <c>multiprocessing.spawn</c>. A new process of .NET cannot begin at a function: it begins at Main, with
/// the same command line, and comes to the same call, where it is a worker. So what stands before the call runs in the starting process and in each worker, and what stands after it in all of
/// them, too: <c>return</c> the exit code.
/// </para>
/// <para>A program starts processes in one place. Where a worker comes to another call than the one that started it, it fails and says so.</para>
/// </remarks>
public static class DistributedProgram
{
    private const int Done = 0, Failed = 1, CannotLaunch = 2;

    private const string CallVariable = "CONVOY_SPAWNED_BY";

    /// <summary>Runs this process as a rank of whatever job it was started in; alone, as the only one.</summary>
    /// <param name="body">The rank's work. The group is disposed when it returns.</param>
    /// <param name="file">Left to the compiler: which call this is.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <returns>The exit code: 0 when <paramref name="body"/> returns, 1 when it throws.</returns>
    public static int Run(Action<ProcessGroup> body, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) => Run(processes: 1, body, file, line);

    /// <summary>Runs this program on several processes of this machine, each of which runs its Main and <paramref name="body"/>. A launcher that has started this process already says how many there are.</summary>
    /// <param name="processes">How many; at least 1. With 1 this process does the work.</param>
    /// <param name="body">A rank's work. The group is disposed when it returns.</param>
    /// <param name="file">Left to the compiler: which call this is.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <returns>The exit code: 0, or that of the rank that failed first; 2 when they could not be started, 130 when a signal stopped them.</returns>
    public static int Run(int processes, Action<ProcessGroup> body, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        => Run(body, new DistributedProgramOptions { Processes = processes }, file, line);

    /// <summary>The same with a timeout, or another way to start the processes.</summary>
    /// <param name="body">A rank's work. The group is disposed when it returns.</param>
    /// <param name="options">How many processes, how they are started, and how long they wait for each other.</param>
    /// <param name="file">Left to the compiler: which call this is.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <returns>The exit code: 0, or that of the rank that failed first; 2 when they could not be started, 130 when a signal stopped them.</returns>
    public static int Run(Action<ProcessGroup> body, DistributedProgramOptions options, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        ArgumentNullException.ThrowIfNull(body);
        ArgumentNullException.ThrowIfNull(options);
        return Run(options, file, line, given => RunWorker(
            group =>
            {
                body(group);
                return Done;
            },
            given.Timeout,
            signals: null));
    }

    /// <summary>Runs this program on one or several processes; a worker is asked to stop by a token rather than ended by a signal.</summary>
    /// <param name="body">
    /// A rank's work; gives the exit code. The token is cancelled by the first SIGINT, SIGTERM or SIGHUP: then it should come to an end, the ranks together, and may write a last checkpoint, for which
    /// a launcher gives 30 s. An <see cref="OperationCanceledException"/> ends it in order.
    /// </param>
    /// <param name="options">How many processes, and how they are started; null: the defaults.</param>
    /// <param name="file">Left to the compiler: which call this is.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <returns>The exit code: what <paramref name="body"/> gives, 1 when it throws, 128 and the signal's number when it was stopped; with several processes that of the rank that failed first, 130 when they were stopped, 2 when they could not be started.</returns>
    public static int Run(Func<ProcessGroup, CancellationToken, int> body, DistributedProgramOptions? options = null, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Run(options ?? new DistributedProgramOptions(), file, line, given =>
        {
            using var signals = new StopSignals(insistingEnds: true);
            return RunWorker(group => body(group, signals.Token), given.Timeout, signals);
        });
    }

    /// <summary>
    /// Runs a rank's work inside of a program with a Main of its own: joins the group, ends with the launcher, records an exception for it before the other ranks notice that this
    /// one has left, disposes the group. The exception comes out. Tensors reuse each other's memory from now on (<see cref="KeptMemory.ReuseTensors"/>).
    /// </summary>
    /// <typeparam name="T">What the work gives.</typeparam>
    /// <param name="body">The rank's work.</param>
    /// <param name="timeout">How long to wait for the other ranks, now and in each operation; null: <see cref="ProcessGroup.DefaultTimeout"/>.</param>
    /// <param name="stop">Ends the wait for the other ranks, now. An <see cref="OperationCanceledException"/> after it is no failure.</param>
    /// <exception cref="RendezvousException">A variable is wrong, or the store cannot be reached.</exception>
    /// <exception cref="DistributedException">Some ranks did not come, or they cannot share memory.</exception>
    public static T RunRank<T>(Func<ProcessGroup, T> body, TimeSpan? timeout = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(body);
        using ParentWatch? watch = ParentWatch.Start(() => Environment.Exit(Failed));
        KeptMemory.ReuseTensors();
        var losses = new PeerLosses();
        ProcessGroup? group = null;
        try
        {
            group = ProcessGroups.FromEnvironment(timeout, stop);
            using IDisposable observation = group.Observe(losses);
            return body(group);
        }
        catch (Exception error) when (error is not OperationCanceledException || !stop.IsCancellationRequested)
        {
            // While this rank is still in the group: the others fail as soon as it leaves.
            WorkerErrorFile.RecordWhereAsked(error, losses.AreCauseOf(error));
            group?.FlightRecorder?.Write(error.Message);
            throw;
        }
        finally
        {
            group?.Dispose();
        }
    }

    private static int Run(DistributedProgramOptions options, string file, int line, Func<DistributedProgramOptions, int> work)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Processes, 1, nameof(options.Processes));
        string call = string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(file)}:{line}");
        try
        {
            if (options.Processes > 1 && !IsStartedByLauncher())
            {
                return Launch(options, call);
            }

            return Starter() is not { } starter || starter == call ? work(options) : throw new LaunchException(
                $"this worker was started by the call at {starter} and came to the one at {call}. Start processes in one place of the program.");
        }
        catch (LaunchException refusal)
        {
            Terminal.WriteError(refusal.Message);
            return CannotLaunch;
        }
        catch (DistributedException error)
        {
            Terminal.WriteError(error.Message);
            return Failed;
        }
    }

    // One process of SLURM's is a batch job's own, from which processes may be started.
    private static bool IsStartedByLauncher() =>
        RankEnvironment.Read().WorldSize > 1 || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(RankEnvironment.RankVariable));

    // The call that started this process. A worker may start other programs by a launcher of theirs, which inherit its variables: the number before the call is the launcher's own.
    private static string? Starter() =>
        Environment.GetEnvironmentVariable(CallVariable)?.Split(' ', 2) is [var launcher, var call] && launcher == Environment.GetEnvironmentVariable(WorkerEnvironment.ParentProcessIdName) ? call : null;

    private static int Launch(DistributedProgramOptions options, string call)
    {
        using var signals = new StopSignals();
        var plain = new LauncherOptions
        {
            Program = LaunchProgram.ThisProgram([.. Environment.GetCommandLineArgs().Skip(1)]),
            ProcessCount = options.Processes,
            ChooseInterruptSignal = () => signals.PassedOn,
        };
        LauncherOptions wanted = options.Launcher?.Invoke(plain) ?? plain;
        string starter = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId} {call}");
        LaunchResult result;
        try
        {
            result = Launcher.Spawn(wanted with { Environment = new Dictionary<string, string>(wanted.Environment) { [CallVariable] = starter } }, signals.Token);
        }
        catch (RendezvousException refusal)
        {
            throw new LaunchException(refusal.Message, refusal); // No worker was started.
        }

        if (result.Failure is not null)
        {
            Terminal.WriteError(result.ToString());
        }

        return result.ExitCode;
    }

    private static int RunWorker(Func<ProcessGroup, int> body, TimeSpan? timeout, StopSignals? signals)
    {
        CancellationToken stop = signals?.Token ?? CancellationToken.None;
        try
        {
            return RunRank(body, timeout, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return signals!.ExitCode;
        }
        catch (Exception error) when (error is not DistributedException)
        {
            // As .NET prints it: what is wrong is somewhere in the program.
            Terminal.WriteError(error.ToString());
            return Failed;
        }
    }
}

/// <summary>How a <see cref="DistributedProgram"/> runs.</summary>
public sealed record DistributedProgramOptions
{
    /// <summary>How many processes of this machine run the program when no launcher has started it; at least 1. Default: 1, this process does the work.</summary>
    public int Processes { get; init; } = 1;

    /// <summary>How long a rank waits for the others, at the start and in each operation. Default: null, <see cref="ProcessGroup.DefaultTimeout"/>.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Changes how the processes are started: <c>launch =&gt; launch with { LogDirectory = "logs", MaxRestarts = 2 }</c>. Default: null, as <see cref="LauncherOptions"/> says.</summary>
    public Func<LauncherOptions, LauncherOptions>? Launcher { get; init; }
}
