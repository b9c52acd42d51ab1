using System.Buffers.Binary;

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

    /// <summary>For each rank the first one on its host, where ranks may share memory. All ranks call it together.</summary>
    public int[] FirstRankOfHosts()
    {
        byte[] first = new byte[sizeof(int)], all = new byte[sizeof(int) * Size];
        BinaryPrimitives.WriteInt32LittleEndian(first, Rank);
        lock (Calls)
        {
            // Ranks keep their order: the first one tells who it is.
            nint here = Library.SplitByHost(Handle);
            Library.Broadcast(first, here);
            Library.Free(here);
            Library.AllGather(first, all, Handle);
        }

        return [.. Enumerable.Range(0, Size).Select(rank => BinaryPrimitives.ReadInt32LittleEndian(all.AsSpan(rank * sizeof(int))))];
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
