namespace Convoy.Distributed.Backends.Mpi;

/// <summary>Some ranks and a space of messages of their own. All calls take turns with those of other communicators: MPI is used with one thread at a time in it.</summary>
internal sealed class MpiCommunicator
{
    private readonly MpiRuntime _runtime;
    private bool _freed;

    public MpiCommunicator(MpiRuntime runtime, nint handle)
    {
        _runtime = runtime;
        Handle = handle;
        lock (runtime.Calls)
        {
            runtime.Library.ReturnErrors(handle);
            Rank = runtime.Library.RankIn(handle);
            Size = runtime.Library.SizeOf(handle);
        }
    }

    public nint Handle { get; }

    public int Rank { get; }

    public int Size { get; }

    public MpiLibrary Library => _runtime.Library;

    /// <summary>Held around each call of the library.</summary>
    public Lock Calls => _runtime.Calls;

    /// <summary>Makes one of some of its ranks; they call it when all of them are about to, and nobody else does.</summary>
    public MpiCommunicator MakeGroup(IReadOnlyList<int> ranks, int tag)
    {
        nint made;
        lock (Calls)
        {
            made = Library.CreateGroup(Handle, [.. ranks], tag);
        }

        return new MpiCommunicator(_runtime, made);
    }

    /// <summary>The same ranks with another space of messages; they call it as <see cref="MakeGroup"/>.</summary>
    public MpiCommunicator Duplicate()
    {
        nint copy;
        lock (Calls)
        {
            copy = Library.Duplicate(Handle);
        }

        return new MpiCommunicator(_runtime, copy);
    }

    /// <summary>Lets MPI move what it still has to send.</summary>
    public void MakeProgress()
    {
        lock (Calls)
        {
            Library.Probe(Handle);
        }
    }

    /// <summary>Gives it back; no message is under way.</summary>
    public void Free()
    {
        lock (Calls)
        {
            if (!_freed && !Library.IsFinalized)
            {
                _freed = true;
                Library.Free(Handle);
            }
        }
    }
}
