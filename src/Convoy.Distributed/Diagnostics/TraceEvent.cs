namespace Convoy.Distributed.Diagnostics;

/// <summary>Something that took time. Time stamps are those of <see cref="System.Diagnostics.Stopwatch.GetTimestamp"/>.</summary>
/// <param name="Track">The line on which to draw it.</param>
/// <param name="Name">What it is.</param>
/// <param name="Start">When it began.</param>
/// <param name="End">When it ended.</param>
/// <param name="Operation">The operation of a process group that it belongs to; null for others.</param>
/// <param name="Queued">When the operation was asked for; otherwise 0.</param>
internal readonly record struct TraceEvent(string Track, string Name, long Start, long End, Operation? Operation = null, long Queued = 0);
