namespace Convoy.Distributed.Launch;

/// <summary>One line that a worker wrote.</summary>
/// <param name="Rank">The worker's rank.</param>
/// <param name="Stream">Where it wrote it.</param>
/// <param name="Text">The line, read as UTF-8, without its end.</param>
/// <param name="LocalRank">The worker's number on this machine.</param>
public readonly record struct WorkerOutputLine(int Rank, WorkerOutputStream Stream, string Text, int LocalRank);
