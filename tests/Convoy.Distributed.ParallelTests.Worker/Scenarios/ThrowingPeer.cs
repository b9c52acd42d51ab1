namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>The last rank's own code throws between two operations.</summary>
internal static class ThrowingPeer
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        group.Barrier();
        if (group.Rank == group.Size - 1)
        {
            throw new InvalidDataException("bad data");
        }

        group.Barrier();
    }
}
