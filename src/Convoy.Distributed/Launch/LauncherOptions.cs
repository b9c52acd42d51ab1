using System.Runtime.InteropServices;
using Convoy.Torch.Memory;

namespace Convoy.Distributed.Launch;

/// <summary>What a <see cref="Launcher"/> starts, and how it ends it.</summary>
public sealed record LauncherOptions
{
    /// <summary>The port at which the launchers of several machines meet unless another is given: 29500, as torchrun's.</summary>
    public const int DefaultPort = 29500;

    /// <summary>The program that every rank runs.</summary>
    public required LaunchProgram Program { get; init; }

    /// <summary>Number of worker processes on this machine, at least 1: LOCAL_WORLD_SIZE, and with one machine WORLD_SIZE.</summary>
    public required int ProcessCount { get; init; }

    /// <summary>
    /// Number of machines, each of which runs a launcher; default 1. With more, the launcher of node 0 serves a store at
    /// <see cref="MasterAddress"/> and <see cref="MasterPort"/>, where the others meet it, and the workers' MASTER_PORT is
    /// the port after it. With <see cref="MinNodeCount"/>: the greatest number.
    /// </summary>
    public int NodeCount { get; init; } = 1;

    /// <summary>
    /// The least number of machines, 1 to <see cref="NodeCount"/>, with which the workers start, as torchrun's <c>--nnodes MIN:MAX</c>; then machines may come and leave while the job runs, and the
    /// workers start again with those that are there. Default null: <see cref="NodeCount"/>, always all of them.
    /// </summary>
    public int? MinNodeCount { get; init; }

    /// <summary>
    /// This machine's number, from 0 to <see cref="NodeCount"/> - 1: GROUP_RANK, where all machines are there. Default null: node 0 where <see cref="MasterAddress"/> is this machine's, which serves the
    /// store; the others in the order of their arrival.
    /// </summary>
    public int? NodeRank { get; init; }

    /// <summary>
    /// What only the launchers and workers of one job know: needed, and the same on all machines, when
    /// <see cref="NodeCount"/> is more than 1. On one machine every run makes its own, and this is not used. Default null.
    /// </summary>
    public string? JobSecret { get; init; }

    /// <summary>TORCHELASTIC_RUN_ID: a name for the job, the same on all machines. Default: a random one; with several machines "none", as torchrun's.</summary>
    public string? RunId { get; init; }

    /// <summary>ROLE_NAME of every worker; default "default", as torchrun's.</summary>
    public string Role { get; init; } = "default";

    /// <summary>Seconds that the launchers of several machines wait for each other at each start; default 300, more than 0.</summary>
    public double JoinTimeoutSeconds { get; init; } = 300;

    /// <summary>
    /// Seconds that the launchers, once there are <see cref="MinNodeCount"/>, wait for more machines, and that a machine waits which comes later, until the others are interrupted for it; default 30, as
    /// torchrun's <c>last_call_timeout</c>; at least 0.
    /// </summary>
    public double LastCallSeconds { get; init; } = 30;

    /// <summary>Seconds between two looks at the other machines; default 0.1, more than 0. On its own machine a launcher learns of an end at once.</summary>
    public double MonitorIntervalSeconds { get; init; } = 0.1;

    /// <summary>Seconds without a sign of life after which another machine's launcher counts as lost; default 30, more than 0.</summary>
    public double NodeTimeoutSeconds { get; init; } = 30;

    /// <summary>
    /// Whether each worker is kept to cores of its own: the cores that this process may use are shared out, with the two
    /// hardware threads of a core kept together. Default false. Linux only. With more workers than cores some share one.
    /// </summary>
    public bool PinCores { get; init; }

    /// <summary>How often the whole group is started again after a failure; default 0. As torchrun's <c>--max-restarts</c>.</summary>
    public int MaxRestarts { get; init; }

    /// <summary>
    /// OMP_NUM_THREADS of every worker, at least 1. Default: the value in <see cref="Environment"/> or in this
    /// process's environment, and when neither has one, cores / <see cref="ProcessCount"/>, at least 1.
    /// </summary>
    public int? ThreadsPerProcess { get; init; }

    /// <summary>
    /// Whether the workers' allocator keeps the memory that they free (Linux with glibc: <c>GLIBC_TUNABLES</c>, see <see cref="KeptMemory"/>), which
    /// makes a training step on CPU up to a fifth faster, and whether libtorch takes tensors' memory in a way that lets them reuse it (<see cref="KeptMemory.ReuseTensors"/>), without which
    /// keeping it takes up to twice the memory. Default true. A GLIBC_TUNABLES that is set already stays.
    /// </summary>
    public bool KeepMemory { get; init; } = true;

    /// <summary>Variables added to the workers' environment; those that the launcher itself sets win. Default: none.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>MASTER_ADDR, an address of this machine; default 127.0.0.1, which only this machine reaches.</summary>
    public string MasterAddress { get; init; } = "127.0.0.1";

    /// <summary>
    /// MASTER_PORT, 0 to 65535; default 0: any free port, or 29500 with several machines, whose launchers must know it.
    /// </summary>
    public int MasterPort { get; init; }

    /// <summary>
    /// Whether the launcher hosts the job's store at MASTER_PORT (CONVOY_STORE_HOSTED=1); default true. False leaves the
    /// port free for a program whose rank 0 hosts its own store there, as PyTorch's does.
    /// </summary>
    public bool HostStore { get; init; } = true;

    /// <summary>
    /// A folder that gets <c>rank-{r}.log</c> with each worker's standard output and error; created when missing. What an earlier
    /// run left there is moved into <c>earlier-{n}</c> in it. Default: no logs.
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

    /// <summary>
    /// Asked at a cancellation for the signal to send instead of <see cref="InterruptSignal"/>, so that a program can pass
    /// on the one that it got. Default null.
    /// </summary>
    public Func<PosixSignal>? ChooseInterruptSignal { get; init; }

    /// <summary>Called with a line that people should see: which rank has which cores, what could not be done. Default null.</summary>
    public Action<string>? OnNotice { get; init; }

    /// <summary>Called with the folder that the logs of an earlier run were moved to, so that this one does not overwrite them. Default null.</summary>
    public Action<string>? OnLogsSetAside { get; init; }

    /// <summary>Seconds that the workers have for a last checkpoint after <see cref="InterruptSignal"/>, before they are ended; default 30, at least 0.</summary>
    public double InterruptGraceSeconds { get; init; } = 30;

    /// <summary>How many of the failed worker's last lines a <see cref="WorkerFailure"/> holds; default 20, at least 0.</summary>
    public int LastLines { get; init; } = 20;

    /// <summary>Whether the workers' output passes through the launcher.</summary>
    internal bool ReadsOutput => OnOutput is not null || LogDirectory is not null;

    /// <summary>The port that the launchers (several machines) or the workers (one machine) meet at; 0: any.</summary>
    internal int MeetingPort => MasterPort == 0 && NodeCount > 1 ? DefaultPort : MasterPort;

    /// <summary>The least number of machines.</summary>
    internal int LeastNodeCount => MinNodeCount ?? NodeCount;

    /// <summary>Checks every value.</summary>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    internal void Validate()
    {
        ArgumentNullException.ThrowIfNull(Program);
        ArgumentException.ThrowIfNullOrWhiteSpace(Program.FileName);
        ArgumentOutOfRangeException.ThrowIfLessThan(ProcessCount, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxRestarts);
        ArgumentOutOfRangeException.ThrowIfLessThan(NodeCount, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(LeastNodeCount, 1, nameof(MinNodeCount));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(LeastNodeCount, NodeCount, nameof(MinNodeCount));
        ArgumentOutOfRangeException.ThrowIfNegative(NodeRank ?? 0, nameof(NodeRank));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(NodeRank ?? 0, NodeCount, nameof(NodeRank));
        ArgumentOutOfRangeException.ThrowIfNegative(LastCallSeconds);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(JoinTimeoutSeconds);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MonitorIntervalSeconds);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(NodeTimeoutSeconds);
        if (NodeCount > 1 && string.IsNullOrEmpty(JobSecret))
        {
            throw new ArgumentException("Launchers on several machines need a JobSecret, the same on each, or anybody who reaches the port could join.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(ThreadsPerProcess ?? 1, 1, nameof(ThreadsPerProcess));
        ArgumentOutOfRangeException.ThrowIfNegative(MasterPort);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MasterPort, NodeCount > 1 ? 65534 : 65535);
        ArgumentOutOfRangeException.ThrowIfNegative(GraceSeconds);
        ArgumentOutOfRangeException.ThrowIfNegative(InterruptGraceSeconds);
        if (InterruptSignal is not (PosixSignal.SIGINT or PosixSignal.SIGTERM))
        {
            throw new ArgumentException($"InterruptSignal is {InterruptSignal}; only SIGINT and SIGTERM ask a worker to end.");
        }

        ArgumentOutOfRangeException.ThrowIfNegative(LastLines);
    }
}

/// <summary>One line that a worker wrote.</summary>
/// <param name="Rank">The worker's rank.</param>
/// <param name="Stream">Where it wrote it.</param>
/// <param name="Text">The line, read as UTF-8, without its end.</param>
/// <param name="LocalRank">The worker's number on this machine.</param>
public readonly record struct WorkerOutputLine(int Rank, WorkerOutputStream Stream, string Text, int LocalRank)
{
    /// <summary>The line as <c>convoy launch</c> shows it: <c>[rank 1] text</c>.</summary>
    public override string ToString() => FailureReport.Prefixed(Rank, Text);
}

/// <summary>The two streams that a worker writes.</summary>
public enum WorkerOutputStream
{
    /// <summary>Standard output.</summary>
    Output,

    /// <summary>Standard error.</summary>
    Error,
}

/// <summary>
/// Makes glibc's allocator keep what a worker frees. A training step allocates and frees the same gigabytes each time; by default glibc
/// gives large pieces back to the kernel, which has to clear every page again in the next step. Transparent huge pages were
/// tried, too, and made a step slower (docs/internals/fused-operations.md).
/// </summary>
public static class KeptMemory
{
    /// <summary>The variable of glibc's settings, which it reads at a program's start.</summary>
    public const string Variable = "GLIBC_TUNABLES";

    /// <summary>No mapping of its own for large pieces, no giving back, growth in steps of 256 MiB.</summary>
    public const string Value =
        "glibc.malloc.mmap_threshold=4294967295:glibc.malloc.trim_threshold=17179869184:glibc.malloc.top_pad=268435456";

    /// <summary>The variable that says, with the value 0, that a worker is to leave its allocators as they are.</summary>
    public const string SwitchVariable = "CONVOY_KEEP_MEMORY";

    /// <summary>
    /// Installs <see cref="TensorAllocator"/> in this process, unless <see cref="SwitchVariable"/> is 0. <see cref="DistributedProgram"/> does it for its ranks; a program with a loop and a Main of its own may.
    /// </summary>
    /// <returns>Whether libtorch uses it.</returns>
    public static bool ReuseTensors() => Environment.GetEnvironmentVariable(SwitchVariable) != "0" && TensorAllocator.Install();
}
