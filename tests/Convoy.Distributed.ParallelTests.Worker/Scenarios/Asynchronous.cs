using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Operations without waiting: their order, synchronous ones after them, tensors that are disposed meanwhile, two groups at once, time stamps.</summary>
internal static class Asynchronous
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        using ProcessGroup second = group.NewGroup([.. Enumerable.Range(0, group.Size)])!;
        Order(group);
        using (var scope = NewDisposeScope())
        {
            // In two groups at once, in another order on odd ranks.
            Tensor a = full([300_000], group.Rank, float32), b = full([300_000], 2 * group.Rank, float32);
            Work first = group.Rank % 2 == 0 ? group.AllReduceAsync(a) : second.AllReduceAsync(b);
            Work other = group.Rank % 2 == 0 ? second.AllReduceAsync(b) : group.AllReduceAsync(a);
            first.Wait();
            other.Wait();
            long sum = group.Size * (group.Size - 1) / 2;
            Expect.Equal(full([300_000], sum, float32), a, "the first group's sum");
            Expect.Equal(full([300_000], 2 * sum, float32), b, "the second group's sum");
        }

        Disposing(second);
        group.Barrier();
    }

    private static void Order(ProcessGroup group)
    {
        using var scope = NewDisposeScope();
        Tensor value = full([50_000], group.Rank == 0 ? 1 : 0, float64), kept = value.alias();
        var works = new List<Work>();
        for (int i = 0; i < 20; i++)
        {
            // Each doubles or more what the one before left: any other order gives another number.
            works.Add(i % 2 == 0 ? group.BroadcastAsync(value, 0) : group.AllReduceAsync(value));
            Tensor passing = ones([50_000], float64);
            works.Add(group.AllReduceAsync(passing));
            passing.Dispose();
        }

        value.Dispose();
        group.AllReduce(kept); // After all that was asked for before.
        Expect.True(works.TrueForAll(work => work.IsCompleted), "a synchronous operation overtook others");
        Expect.Equal(full([50_000], Math.Pow(group.Size, 11), float64), kept, "the result of operations in order");
        foreach (Work work in works)
        {
            work.Wait();
            Expect.True(work.QueuedTimestamp <= work.StartedTimestamp && work.StartedTimestamp <= work.AllArrivedTimestamp && work.AllArrivedTimestamp <= work.FinishedTimestamp, "the order of time stamps");
        }

        Expect.True(works.Zip(works.Skip(1), (x, y) => x.Number < y.Number && x.FinishedTimestamp <= y.StartedTimestamp).All(x => x), "operations overlapped");
    }

    // One rank leaves while it waits itself: what it had begun or not begun fails, and the others hear of it.
    private static void Disposing(ProcessGroup group)
    {
        if (group.Size == 1)
        {
            return;
        }

        if (group.Rank == 0)
        {
            using Tensor tensor = ones([10], float32);
            Work begun = group.AllReduceAsync(tensor), waiting = group.BarrierAsync();
            Expect.True(!begun.IsCompleted, "nobody else has come yet");
            group.Dispose();
            foreach (Work work in new[] { begun, waiting })
            {
                Expect.True(work.IsCompleted && work.Error is ObjectDisposedException, $"{work.Operation}: {work.Error}");
            }
        }
        else
        {
            try
            {
                // A message that never comes.
                using Tensor tensor = zeros([1], float32);
                group.Receive(tensor, 0);
            }
            catch (PeerLostException error)
            {
                Expect.True(error.Rank == 0 && error.HasLeft, error.Message);
                return;
            }

            throw new InvalidOperationException("nobody noticed that rank 0 left");
        }
    }
}
