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

    /// <summary>The result of a run whose <paramref name="failures"/> are in order; an interrupted run has none.</summary>
    internal static LaunchResult Of(IReadOnlyList<int> exitCodes, IReadOnlyList<WorkerFailure> failures, bool interrupted, int restarts) =>
        interrupted || failures is not [var cause, ..]
            ? new LaunchResult(exitCodes, null, interrupted, restarts)
            : new LaunchResult(exitCodes, cause, false, restarts) { Failures = failures };
}
