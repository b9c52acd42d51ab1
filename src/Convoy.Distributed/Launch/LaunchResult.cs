namespace Convoy.Distributed.Launch;

/// <summary>How a run ended. No process of it is left.</summary>
/// <param name="ExitCodes">
/// The exit code of each rank, of the last start of the group; 128 + the signal's number for a worker that a signal
/// ended, be it the launcher's own.
/// </param>
/// <param name="Failure">The root cause of a failed run, or null.</param>
/// <param name="Interrupted">Whether the caller's cancellation ended the run.</param>
/// <param name="Restarts">How often the group was started again.</param>
public sealed record LaunchResult(IReadOnlyList<int> ExitCodes, WorkerFailure? Failure, bool Interrupted, int Restarts)
{
    /// <summary>The exit code for the launching program: 130 when interrupted, the failed rank's code, or 0.</summary>
    public int ExitCode => Interrupted ? 130 : Failure?.ExitCode ?? 0;
}
