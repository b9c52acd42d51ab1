using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Messages between all pairs of ranks: sizes, types, layouts, tags out of order, in both directions at once, and, unless the argument is <c>fitting</c>, one that does not fit.</summary>
internal static class Messages
{
    // Empty, one, about a mailbox, and several times what a mailbox holds.
    private static readonly long[] Counts = [0, 1, 16_384, 1_000_003];

    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        int next = (group.Rank + 1) % group.Size, previous = (group.Rank + group.Size - 1) % group.Size;
        foreach (long count in Counts)
        {
            using var scope = NewDisposeScope();
            // Everybody sends before anybody receives.
            Work sent = group.SendAsync(full([count], group.Rank + 1, float32), next);
            Tensor received = zeros([count], float32);
            group.Receive(received, previous);
            sent.Wait();
            Expect.Equal(full([count], previous + 1, float32), received, $"a message of {count}");
        }

        Tags(group, next, previous);
        Pairs(group);
        Layouts(group, next, previous);
        group.Barrier();
        if (!args.Contains("fitting"))
        {
            Mismatch(group);
        }
    }

    private static void Tags(ProcessGroup group, int next, int previous)
    {
        using var scope = NewDisposeScope();
        long[] sizes = [100_000, 3, 70_000, 0, 5];
        Work[] sent = [.. sizes.Select((size, tag) => group.SendAsync(full([size], (100 * group.Rank) + tag, int64), next, tag))];
        Work again = group.SendAsync(full([5], -1, int64), next, 4);
        foreach (int tag in new[] { 4, 0, 3, 1, 2 })
        {
            Tensor received = zeros([sizes[tag]], int64);
            group.Receive(received, previous, tag);
            Expect.Equal(full([sizes[tag]], (100 * previous) + tag, int64), received, $"the message with tag {tag}");
        }

        Tensor last = zeros([5], int64);
        group.Receive(last, previous, 4);
        Expect.Equal(full([5], -1, int64), last, "the second message with tag 4");
        foreach (Work work in sent.Append(again))
        {
            work.Wait();
        }
    }

    private static void Pairs(ProcessGroup group)
    {
        // All pairs at once, a hundred messages each, while a collective operation runs.
        using var scope = NewDisposeScope();
        int[] others = [.. Enumerable.Range(0, group.Size).Where(rank => rank != group.Rank)];
        Tensor sum = ones([2_000_000], float32);
        Work reduced = group.AllReduceAsync(sum);
        var works = new List<Work>();
        var received = new Dictionary<int, Tensor[]>();
        foreach (int other in others)
        {
            received[other] = [.. Enumerable.Range(0, 100).Select(_ => zeros([97], int32))];
            works.AddRange(received[other].Select(tensor => group.ReceiveAsync(tensor, other)));
            works.AddRange(Enumerable.Range(0, 100).Select(i => group.SendAsync(full([97], (1000 * group.Rank) + i, int32), other)));
        }

        works.ForEach(work => work.Wait());
        foreach (int other in others)
        {
            for (int i = 0; i < 100; i++)
            {
                Expect.Equal(full([97], (1000 * other) + i, int32), received[other][i], $"message {i} of rank {other}");
            }
        }

        reduced.Wait();
        Expect.Equal(full([2_000_000], group.Size, float32), sum, "the all-reduce beside messages");
    }

    private static void Layouts(ProcessGroup group, int next, int previous)
    {
        using var scope = NewDisposeScope();
        Tensor grid = arange(12, bfloat16).reshape(3, 4), received = zeros([3, 4], bfloat16).t();
        Work sent = group.SendAsync(grid.t(), next, 7);
        group.Receive(received, previous, 7);
        sent.Wait();
        Expect.Equal(grid.t(), received, "a transposed message");
    }

    private static void Mismatch(ProcessGroup group)
    {
        if (group.Rank == 0)
        {
            using Tensor large = ones([500_000], float32);
            try
            {
                group.Send(large, 1, 3);
            }
            catch (CollectiveMismatchException error)
            {
                Expect.True(error.Message.Contains("rank 1 has given up", StringComparison.Ordinal) && error.Message.Contains("7 x Int64", StringComparison.Ordinal), error.Message);
                return;
            }
        }
        else if (group.Rank == 1)
        {
            using Tensor small = zeros([7], int64);
            try
            {
                group.Receive(small, 0, 3);
            }
            catch (CollectiveMismatchException error)
            {
                Expect.True(error.Message.Contains("rank 0 sent rank 1 500000 x Float32 with tag 3, which rank 1 expects to be 7 x Int64", StringComparison.Ordinal), error.Message);
                return;
            }
        }
        else
        {
            return;
        }

        throw new InvalidOperationException("nobody noticed");
    }
}
