using System.Runtime.InteropServices;

namespace Convoy.Distributed.Launch;

/// <summary>What a <see cref="Launcher"/> starts, and how it ends it.</summary>
public sealed record LauncherOptions
{
    /// <summary>The program that every rank runs.</summary>
    public required LaunchProgram Program { get; init; }

    /// <summary>Number of worker processes on this machine, at least 1: WORLD_SIZE and LOCAL_WORLD_SIZE.</summary>
    public required int ProcessCount { get; init; }

    /// <summary>How often the whole group is started again after a failure; default 0. As torchrun's <c>--max-restarts</c>.</summary>
    public int MaxRestarts { get; init; }

    /// <summary>
    /// OMP_NUM_THREADS of every worker, at least 1. Default: the value in <see cref="Environment"/> or in this
    /// process's environment, and when neither has one, cores / <see cref="ProcessCount"/>.
    /// </summary>
    public int? ThreadsPerProcess { get; init; }

    /// <summary>Variables added to the workers' environment; those that the launcher itself sets win. Default: none.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>MASTER_ADDR, an address of this machine; default 127.0.0.1, which only this machine reaches.</summary>
    public string MasterAddress { get; init; } = "127.0.0.1";

    /// <summary>MASTER_PORT, 0 to 65535; default 0, any free port.</summary>
    public int MasterPort { get; init; }

    /// <summary>
    /// Whether the launcher hosts the job's store at MASTER_PORT (CONVOY_STORE_HOSTED=1); default true. False leaves the
    /// port free for a program whose rank 0 hosts its own store there, as PyTorch's does.
    /// </summary>
    public bool HostStore { get; init; } = true;

    /// <summary>
    /// A folder that gets <c>rank-{r}.log</c> with each worker's standard output and error; created when missing,
    /// older logs of these names are replaced. Default: no logs.
    /// </summary>
    public string? LogDirectory { get; init; }

    /// <summary>
    /// Called for every line that a worker writes, one call at a time, on a thread of the launcher. Default null.
    /// With neither this nor <see cref="LogDirectory"/> the workers write straight to this process's own output, and
    /// <see cref="WorkerFailure.LastLines"/> stays empty. An exception ends the run and comes out of
    /// <see cref="Launcher.RunAsync"/>.
    /// </summary>
    public Action<WorkerOutputLine>? OnOutput { get; init; }

    /// <summary>Called before the group starts again, with the failure and the number of this restart (1, 2, ...).</summary>
    public Action<WorkerFailure, int>? OnRestart { get; init; }

    /// <summary>Seconds from SIGTERM to SIGKILL when a worker has failed; default 5, at least 0.</summary>
    public double GraceSeconds { get; init; } = 5;

    /// <summary>
    /// What a cancellation sends the workers first: SIGINT, the default, or SIGTERM. A shell without job control lets its
    /// background jobs ignore SIGINT, and workers inherit that, so workers that take both for the same better get SIGTERM.
    /// </summary>
    public PosixSignal InterruptSignal { get; init; } = PosixSignal.SIGINT;

    /// <summary>Seconds that the workers have for a last checkpoint after <see cref="InterruptSignal"/>, before they are ended; default 30, at least 0.</summary>
    public double InterruptGraceSeconds { get; init; } = 30;

    /// <summary>How many of the failed worker's last lines a <see cref="WorkerFailure"/> holds; default 20, at least 0.</summary>
    public int LastLines { get; init; } = 20;

    /// <summary>Whether the workers' output passes through the launcher.</summary>
    internal bool ReadsOutput => OnOutput is not null || LogDirectory is not null;

    /// <summary>Checks every value.</summary>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    internal void Validate()
    {
        ArgumentNullException.ThrowIfNull(Program);
        ArgumentException.ThrowIfNullOrWhiteSpace(Program.FileName);
        ArgumentOutOfRangeException.ThrowIfLessThan(ProcessCount, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxRestarts);
        ArgumentOutOfRangeException.ThrowIfLessThan(ThreadsPerProcess ?? 1, 1, nameof(ThreadsPerProcess));
        ArgumentOutOfRangeException.ThrowIfNegative(MasterPort);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MasterPort, 65535);
        ArgumentOutOfRangeException.ThrowIfNegative(GraceSeconds);
        ArgumentOutOfRangeException.ThrowIfNegative(InterruptGraceSeconds);
        if (InterruptSignal is not (PosixSignal.SIGINT or PosixSignal.SIGTERM))
        {
            throw new ArgumentException($"InterruptSignal is {InterruptSignal}; only SIGINT and SIGTERM ask a worker to end.");
        }

        ArgumentOutOfRangeException.ThrowIfNegative(LastLines);
    }
}
