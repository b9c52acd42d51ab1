using System.Text.Json;

namespace Convoy.Distributed.Launch;

/// <summary>What one machine's launcher tells the others at the end of a start.</summary>
/// <param name="Failures">Its workers that failed, the likely cause first.</param>
/// <param name="Interrupted">Whether its user interrupted it.</param>
/// <param name="Error">Why it could not run its workers, or why nobody hears of it any more; null: it ran them.</param>
internal sealed record NodeReport(IReadOnlyList<WorkerFailure> Failures, bool Interrupted, string? Error)
{
    /// <summary>Its workers that failed, the likely cause first.</summary>
    /// <exception cref="JsonException">One is null, in a report from elsewhere.</exception>
    public IReadOnlyList<WorkerFailure> Failures { get; } = Failures.Any(failure => failure is null) ? throw new JsonException("a failure is null") : Failures;
}
