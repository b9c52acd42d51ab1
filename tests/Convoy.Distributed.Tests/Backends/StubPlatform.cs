using Convoy.Distributed.Backends.SharedMemory;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Tests.Backends;

/// <summary>This system's platform, but for what a test replaces.</summary>
internal sealed class StubPlatform : IPlatform
{
    private static readonly IPlatform Real = IPlatform.Current;

    public string Folder { get; init; } = Real.Folder;

    /// <summary>Called before room is reserved; may throw.</summary>
    public Action WhenReserving { get; init; } = () => { };

    /// <summary>What is seen of a process.</summary>
    public Func<int, ProcessStatus?> Process { get; init; } = Real.Inspect;

    /// <summary>Whether memory can do without a name.</summary>
    public bool HasUnnamedFiles { get; init; } = true;

    public string Place { get; init; } = Real.Place;

    public bool CanUnlinkMapped => Real.CanUnlinkMapped;

    public IWordWaiter Waiter => Real.Waiter;

    public long StartTolerance => Real.StartTolerance;

    public FileStream? CreateUnnamed() => HasUnnamedFiles ? Real.CreateUnnamed() : null;

    public string PathOfOpenFile(int processId, int descriptor) => Real.PathOfOpenFile(processId, descriptor);

    public void Reserve(FileStream stream, long bytes)
    {
        WhenReserving();
        Real.Reserve(stream, bytes);
    }

    public ProcessStatus? Inspect(int processId) => Process(processId);
}
