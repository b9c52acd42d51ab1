namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// Has a group that nobody disposed let the other ranks know, when this process ends with exit code 0, that its rank left in order: they would take
/// it for killed. A group that nothing refers to is not kept alive by this.
/// </summary>
internal sealed class OrderlyExit : IDisposable
{
    private readonly WeakReference<ProcessGroupSharedMemory> _group;

    /// <param name="group">The group.</param>
    public OrderlyExit(ProcessGroupSharedMemory group)
    {
        _group = new WeakReference<ProcessGroupSharedMemory>(group);
        AppDomain.CurrentDomain.ProcessExit += NoteLeaving;
    }

    /// <summary>The group is disposed.</summary>
    public void Dispose() => AppDomain.CurrentDomain.ProcessExit -= NoteLeaving;

    private void NoteLeaving(object? sender, EventArgs end)
    {
        if (Environment.ExitCode == 0 && _group.TryGetTarget(out ProcessGroupSharedMemory? group))
        {
            group.NoteLeaving();
        }
    }
}
