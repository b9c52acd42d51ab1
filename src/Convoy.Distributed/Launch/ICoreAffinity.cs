namespace Convoy.Distributed.Launch;

/// <summary>The operating system's way to keep a process to some of the machine's processors.</summary>
internal interface ICoreAffinity
{
    /// <summary>The processors that the calling thread may use, grouped by core: the hardware threads of one core together, in the machine's order.</summary>
    IReadOnlyList<IReadOnlyList<int>> Cores();

    /// <summary>
    /// Keeps the calling thread, and with it every process that it starts, to <paramref name="processors"/> until the result
    /// is disposed of, on the same thread.
    /// </summary>
    IDisposable Bind(IReadOnlyList<int> processors);
}
