using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Groups of some ranks: their ranks, that two run at the same time, groups of groups, and every order of disposing.</summary>
internal static class SubGroups
{
    public static void Run(string[] args)
    {
        using ProcessGroup world = Groups.Join(args);
        int[] even = [.. Enumerable.Range(0, world.Size).Where(rank => rank % 2 == 0)], odd = [.. Enumerable.Range(0, world.Size).Where(rank => rank % 2 == 1)];
        ProcessGroup? evens = world.NewGroup(even), odds = world.NewGroup(odd);
        Expect.True(evens is null == (world.Rank % 2 == 1) && odds is null == (world.Rank % 2 == 0), "who belongs to which group");
        using ProcessGroup half = evens ?? odds!;
        Expect.True(half.Name == (evens is null ? "default/2" : "default/1"), half.Name);
        Expect.True(half.Rank == world.Rank / 2, "the rank in the new group");
        Sum(half, (world.Rank % 2 == 0 ? even : odd).Sum() + half.Size, world.Rank + 1);

        // Backwards: the new ranks follow the order given.
        using ProcessGroup backwards = world.NewGroup([.. Enumerable.Range(0, world.Size).Reverse()])!;
        Expect.True(backwards.Rank == world.Size - 1 - world.Rank, "the order of ranks");
        using Tensor first = full([3], world.Rank, float32);
        backwards.Broadcast(first, 0);
        Expect.Equal(full([3], world.Size - 1, float32), first, "Broadcast from the last rank");

        AtTheSameTime(world, backwards);

        // A group of a group, of one rank, which outlives the one it was made from.
        ProcessGroup? inner = half.NewGroup([0]);
        Expect.True(inner is null == (half.Rank != 0), "the group of one rank");
        ProcessGroup[] many = [.. Enumerable.Range(0, 5).Select(_ => half.NewGroup([.. Enumerable.Range(0, half.Size)])!)];
        half.Dispose();
        foreach (ProcessGroup group in many)
        {
            Sum(group, group.Size, 1);
            group.Dispose();
        }

        if (inner is not null)
        {
            Sum(inner, 5, 5);
            inner.Dispose();
        }

        Sum(world, world.Size, 1);
        Differing(world);
    }

    private static void Sum(ProcessGroup group, long expected, long own)
    {
        using Tensor tensor = full([1001], own, int64), result = full([1001], expected, int64), buffer = group.AllocateBuffer(9_001, float32);
        group.AllReduce(tensor);
        Expect.Equal(result, tensor, $"the sum in {group.Name}");
        buffer.fill_(own);
        group.AllReduce(buffer);
        Expect.Equal(full([9_001], expected, float32), buffer, $"the sum of a buffer in {group.Name}");
    }

    // The first half of the ranks uses the groups in one order, the second in the other: this ends only if neither waits for the other.
    private static void AtTheSameTime(ProcessGroup a, ProcessGroup b)
    {
        var errors = new List<Exception>();
        Thread[] threads = [.. new[] { a, b }.Select(group => new Thread(() =>
        {
            try
            {
                for (int i = 0; i < 200; i++)
                {
                    using Tensor tensor = full([5_000], group.Rank + i, int64), expected = full([5_000], (group.Size * (group.Size - 1) / 2) + (group.Size * i), int64);
                    group.AllReduce(tensor);
                    Expect.Equal(expected, tensor, $"round {i} in {group.Name}");
                }
            }
            catch (Exception error)
            {
                lock (errors)
                {
                    errors.Add(error);
                }
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        if (errors.Count > 0)
        {
            throw new AggregateException(errors);
        }

        using Tensor one = ones([3], float32), other = ones([3], float32);
        Work inA = default!;
        if (a.Rank < a.Size / 2)
        {
            inA = a.AllReduceAsync(one);
            b.AllReduce(other);
        }
        else
        {
            b.AllReduce(other);
            inA = a.AllReduceAsync(one);
        }

        inA.Wait();
        Expect.Equal(full([3], a.Size, float32), one, "the first of two groups");
    }

    private static void Differing(ProcessGroup world)
    {
        try
        {
            world.NewGroup(world.Rank == 0 ? [0, 1] : [1, 0]);
        }
        catch (CollectiveMismatchException error)
        {
            Expect.True(error.Message.Contains("0, 1", StringComparison.Ordinal) && error.Message.Contains("1, 0", StringComparison.Ordinal), error.Message);
            return;
        }

        throw new InvalidOperationException("nobody noticed that the ranks differ");
    }
}
