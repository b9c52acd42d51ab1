namespace Convoy.Distributed;

/// <summary>
/// Is told of each operation of a process group: a recorder, a trace. Called on the thread that runs the operation, for
/// messages between two ranks on several threads at once; it must be quick and not call the group.
/// </summary>
public interface IOperationObserver
{
    /// <summary>An operation begins on this rank.</summary>
    void Started(Work work);

    /// <summary>An operation is done or failed (<see cref="Work.Error"/>). Who waits for it goes on only afterwards.</summary>
    void Finished(Work work);
}
