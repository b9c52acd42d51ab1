namespace Convoy.Distributed.Launch;

/// <summary>How one start of this machine's workers ended.</summary>
/// <param name="ExitCodes">The exit code of each local rank.</param>
/// <param name="Failures">The workers that failed before they were told to end, the likely cause first.</param>
/// <param name="Interrupted">Whether they were interrupted.</param>
internal sealed record GroupOutcome(IReadOnlyList<int> ExitCodes, IReadOnlyList<WorkerFailure> Failures, bool Interrupted);
