namespace Convoy.Distributed.Launch;

/// <summary>What a worker said of its failure in its <see cref="WorkerErrorFile"/>.</summary>
/// <param name="Message">The error's message.</param>
/// <param name="Time">When it was recorded.</param>
/// <param name="PeerLost">Whether it is that another rank was lost, which that rank's own failure explains better.</param>
/// <param name="Callstack">The exception's type and where it was thrown, or null.</param>
internal sealed record WorkerError(string Message, DateTime Time, bool PeerLost, string? Callstack);
