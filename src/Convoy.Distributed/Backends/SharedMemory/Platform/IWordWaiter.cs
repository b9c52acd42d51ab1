namespace Convoy.Distributed.Backends.SharedMemory.Platform;

/// <summary>Sleeps until another process changes a word of shared memory.</summary>
internal unsafe interface IWordWaiter
{
    /// <summary>Returns when <paramref name="word"/> is no longer <paramref name="value"/>, at the latest after <paramref name="limit"/>; it may return early.</summary>
    void Wait(int* word, int value, TimeSpan limit);

    /// <summary>Wakes every process that waits at <paramref name="word"/>.</summary>
    void WakeAll(int* word);
}
