namespace Convoy.Distributed.Backends.SharedMemory.Platform;

/// <summary>What can be seen of a running process.</summary>
/// <param name="Start">When it started, in units of the platform, 0 when that cannot be seen; tells it from a later process with the same number.</param>
/// <param name="IsStopped">Whether a signal or a debugger has stopped it.</param>
/// <param name="IsTraced">Whether it was a debugger.</param>
internal readonly record struct ProcessStatus(long Start, bool IsStopped, bool IsTraced = false)
{
    /// <summary>In words: "is stopped (SIGSTOP)".</summary>
    public string Describe() => IsTraced ? "is held by a debugger" : "is stopped (SIGSTOP)";
}
