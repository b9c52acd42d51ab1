namespace Convoy.Distributed.Backends.SharedMemory.Platform;

/// <summary>A process that another one with the same number cannot be taken for.</summary>
/// <param name="ProcessId">Its number.</param>
/// <param name="Start">When it started (<see cref="ProcessStatus.Start"/>); 0: unknown, so that it counts as running.</param>
internal readonly record struct ProcessIdentity(int ProcessId, long Start)
{
    /// <summary>This process.</summary>
    public static ProcessIdentity Current(IPlatform platform) => new(Environment.ProcessId, platform.Inspect(Environment.ProcessId)?.Start ?? 0);

    /// <summary>Whether this process can see that one (containers may hide it), so that <see cref="HasEnded"/> can be believed.</summary>
    public bool IsVisible(IPlatform platform) => Start != 0 && Find(platform) is { Start: not 0 };

    /// <summary>Whether the process is no more: gone, a zombie, or another one with the same number.</summary>
    public bool HasEnded(IPlatform platform) => Start != 0 && Find(platform) is null;

    /// <summary>Whether the process is stopped, by SIGSTOP for example.</summary>
    public bool IsStopped(IPlatform platform) => Start != 0 && Find(platform) is { IsStopped: true };

    private ProcessStatus? Find(IPlatform platform) =>
        platform.Inspect(ProcessId) is { } status && (status.Start == 0 || Math.Abs(status.Start - Start) <= platform.StartTolerance) ? status : null;
}
