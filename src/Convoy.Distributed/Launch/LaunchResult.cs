using System.Globalization;

namespace Convoy.Distributed.Launch;

/// <summary>How a run ended. No process of it is left.</summary>
/// <param name="ExitCodes">
/// The exit code of each rank of this machine, of the last start of the group; 128 + the signal's number for a worker that a signal
/// ended, be it the launcher's own.
/// </param>
/// <param name="Failure">The root cause of a failed run, on whichever machine, or null.</param>
/// <param name="Interrupted">Whether the caller's cancellation ended the run, or with several machines that of another launcher.</param>
/// <param name="Restarts">How often the group was started again.</param>
public sealed record LaunchResult(IReadOnlyList<int> ExitCodes, WorkerFailure? Failure, bool Interrupted, int Restarts)
{
    /// <summary>All workers that failed before they were told to end: the root cause first, then the others by time.</summary>
    public IReadOnlyList<WorkerFailure> Failures { get; init; } = [];

    /// <summary>The exit code for the launching program: 130 when interrupted, the failed rank's code, or 0.</summary>
    public int ExitCode => Interrupted ? 130 : Failure?.ExitCode ?? 0;

    /// <summary>Whether the run had several machines, so that failures name theirs.</summary>
    internal bool SeveralNodes { get; init; }

    /// <summary>
    /// How it ended, as <c>convoy launch</c> says it: the root cause in one line, its last lines and its exception, then all failures in the order of time; of a run that did not fail, a line.
    /// </summary>
    public override string ToString() =>
        Failure is not null ? string.Join(Environment.NewLine, FailureReport.Lines(Failure, Failures, SeveralNodes))
        : Interrupted ? string.Create(CultureInfo.InvariantCulture, $"interrupted (exit code {ExitCode})")
        : string.Create(CultureInfo.InvariantCulture, $"{ExitCodes.Count} process{(ExitCodes.Count == 1 ? "" : "es")} ended with exit code 0{(Restarts == 0 ? "" : $" after {Restarts} restart{(Restarts == 1 ? "" : "s")}")}");

    /// <summary>The result of a run whose <paramref name="failures"/> are in order; an interrupted run has none.</summary>
    internal static LaunchResult From(IReadOnlyList<int> exitCodes, IReadOnlyList<WorkerFailure> failures, bool interrupted, int restarts, bool severalNodes) =>
        interrupted || failures is not [var cause, ..]
            ? new LaunchResult(exitCodes, null, interrupted, restarts) { SeveralNodes = severalNodes }
            : new LaunchResult(exitCodes, cause, false, restarts) { Failures = failures, SeveralNodes = severalNodes };
}

/// <summary>How one worker failed. The first failure of a run, by time, is its root cause; what follows is taken for its consequence.</summary>
/// <param name="Rank">The rank that failed.</param>
/// <param name="ProcessId">Its process id.</param>
/// <param name="ExitCode">Its exit code; 128 + the signal's number when a signal ended it, as shells count.</param>
/// <param name="SignalName">The signal that ended it ("SIGKILL"), or null when it exited by itself.</param>
/// <param name="LastLines">Its last lines of standard error, or of standard output when it wrote no errors.</param>
/// <param name="Message">The error that it recorded with <see cref="WorkerErrorFile"/>, or null.</param>
public sealed record WorkerFailure(int Rank, int ProcessId, int ExitCode, string? SignalName, IReadOnlyList<string> LastLines, string? Message = null)
{
    /// <summary>The rank's number on its machine.</summary>
    public int LocalRank { get; init; }

    /// <summary>The number of its machine.</summary>
    public int NodeRank { get; init; }

    /// <summary>The name of its machine.</summary>
    public string Host { get; init; } = string.Empty;

    /// <summary>When it failed, by its machine's clock: when it recorded its error, or else ended.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>The recorded exception with its type and where it was thrown, in several lines, or null.</summary>
    public string? Callstack { get; init; }

    /// <summary>Whether it only noticed that another rank was lost, so that it is taken for a cause only when there is no other.</summary>
    public bool LostPeer { get; init; }

    /// <summary>One sentence: "rank 1 (pid 123) exited with code 3", with the error where one is recorded.</summary>
    public string Describe() => Describe(string.Create(CultureInfo.InvariantCulture, $"rank {Rank} (pid {ProcessId})"));

    /// <summary>The same with the machine: "rank 1 (pid 123) on node 1 (hosta) exited with code 3".</summary>
    public string DescribeWithNode() => Describe(string.Create(CultureInfo.InvariantCulture, $"rank {Rank} (pid {ProcessId}) on node {NodeRank} ({Host})"));

    /// <summary>What happened and the last lines, as <c>convoy launch</c> says it.</summary>
    public override string ToString() => Explain();

    /// <summary>What happened and the last lines, as <c>convoy launch</c> says it.</summary>
    /// <param name="withNode">Whether the machine is named. Default: false.</param>
    public string Explain(bool withNode = false) => string.Join(Environment.NewLine, FailureReport.Lines(this, withNode));

    /// <summary>Failures with the cause first: a rank that only lost another comes after those that failed by themselves, and time decides.</summary>
    internal static IReadOnlyList<WorkerFailure> CauseFirst(IEnumerable<WorkerFailure> failures) => [.. failures.OrderBy(f => f.LostPeer).ThenBy(f => f.Time)];

    private string Describe(string who) => Message is not null
        ? string.Create(CultureInfo.InvariantCulture, $"{who} failed with exit code {ExitCode}: {Message}")
        : SignalName is null
        ? string.Create(CultureInfo.InvariantCulture, $"{who} exited with code {ExitCode}")
        : string.Create(CultureInfo.InvariantCulture, $"{who} was ended by {SignalName} (exit code {ExitCode})");
}
