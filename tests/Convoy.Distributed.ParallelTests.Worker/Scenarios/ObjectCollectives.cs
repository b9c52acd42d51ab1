namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Objects of another size on each rank, over all operations; then ranks whose objects cannot be serialized or read, after which the group goes on.</summary>
internal static class ObjectCollectives
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        int[] ranks = [.. Enumerable.Range(0, group.Size)];
        Expect.True(group.AllGatherObject(Text(group.Rank)).SequenceEqual(ranks.Select(Text)), "AllGatherObject of texts");
        Expect.True(group.AllGatherObject(group.Rank == 0 ? null : Text(group.Rank)).SequenceEqual(ranks.Select(rank => rank == 0 ? null : Text(rank))), "AllGatherObject with null");
        foreach (int root in ranks)
        {
            Expect.True(group.BroadcastObject(group.Rank == root ? new Part(root, Text(root)) : new Part(-1, "unread"), root) == new Part(root, Text(root)), $"BroadcastObject of {root}");
            IReadOnlyList<int>? gathered = group.GatherObject(group.Rank * group.Rank, root);
            Expect.True(group.Rank == root ? gathered!.SequenceEqual(ranks.Select(rank => rank * rank)) : gathered is null, $"GatherObject to {root}");
            Expect.True(group.ScatterObject(group.Rank == root ? [.. ranks.Select(Text)] : (string[]?)null, root) == Text(group.Rank), $"ScatterObject of {root}");
        }

        int last = group.Size - 1;
        Throwing broken = new(group.Rank == last);
        Expect.Throws<DistributedException>(() => group.AllGatherObject(broken), $"AllGatherObject: rank {last}: Throwing cannot be serialized: not this one");
        Expect.Throws<DistributedException>(() => group.BroadcastObject(broken, last), $"BroadcastObject: rank {last}: Throwing cannot be serialized: not this one");
        Expect.Throws<DistributedException>(() => group.GatherObject(broken, 0), $"GatherObject: rank {last}: Throwing cannot be serialized: not this one");
        Expect.Throws<DistributedException>(
            () => group.ScatterObject(group.Rank == 0 ? [.. ranks.Select(rank => new Throwing(rank == last))] : (Throwing[]?)null), "ScatterObject: rank 0: Throwing cannot be serialized: not this one");
        Expect.Throws<DistributedException>(() => group.ScatterObject(group.Rank == 0 ? new int[group.Size + 1] : null), $"ScatterObject: rank 0: {group.Size + 1} objects were given");
        if (group.Rank == 0)
        {
            Expect.Throws<DistributedException>(() => group.AllGatherObject("a text"), "what rank 1 gave is no String");
        }
        else
        {
            Expect.Throws<DistributedException>(() => group.AllGatherObject(group.Rank), "what rank 0 gave is no Int32");
        }

        Expect.True(group.BroadcastObject(group.Rank, last) == last, "the group goes on");
    }

    // Shorter than a header, and longer than what shared memory moves at once.
    private static string Text(int rank) => rank == 0 ? "" : new string((char)('a' + rank), rank == 1 ? 1 : 1 << 22);

    private sealed record Part(int Number, string Text);

    private sealed class Throwing(bool throws)
    {
        public int Value => throws ? throw new InvalidOperationException("not this one") : 1;
    }
}
