namespace Convoy.Distributed.Backends;

/// <summary>
/// When this process ends with exit code 0, lets the other ranks of a group that was not disposed know that this rank left normally: they would take
/// it for killed. A group that nothing refers to is not kept alive by this.
/// </summary>
/// <typeparam name="TGroup">The kind of group.</typeparam>
/// <param name="group">The group.</param>
/// <param name="noteLeaving">Lets the other ranks know. It must not refer to the group itself.</param>
internal sealed class OrderlyExit<TGroup>(TGroup group, Action<TGroup> noteLeaving)
    where TGroup : ProcessGroup
{
    private readonly WeakReference<TGroup> _group = new(group);

    /// <summary>To be called when the process ends, while what the group needs to tell it still works.</summary>
    public void NoteLeaving(object? sender, EventArgs end)
    {
        if (Environment.ExitCode == 0 && _group.TryGetTarget(out TGroup? group))
        {
            noteLeaving(group);
        }
    }
}
