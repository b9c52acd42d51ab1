using Convoy.Distributed.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Each sample counts once: results gathered at once are in the data set's order, results gathered batch by batch those of all samples, whether the sampler pads or not.</summary>
internal static class EvaluationOverRanks
{
    private const int BatchSize = 2;

    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        foreach (int count in (int[])[1, 2, 5, 7, 8])
        {
            foreach (bool shuffle in (bool[])[true, false])
            {
                foreach (bool pad in (bool[])[true, false])
                {
                    Check(group, shuffle, new DistributedSampler(count, group, shuffle, seed: 3, pad: pad) { Epoch = 2 }, $"{count} samples, shuffle {shuffle}, pad {pad}");
                }
            }
        }

        RefuseOthers(group);
    }

    private static void Check(ProcessGroup group, bool shuffle, DistributedSampler sampler, string what)
    {
        using var scope = NewDisposeScope();
        long count = sampler.SampleCount;
        Tensor expected = stack([arange(count, dtype: ScalarType.Float32), arange(count, dtype: ScalarType.Float32).square()], 1);
        Expect.Equal(expected, sampler.Gather(group, Results([.. sampler])), what);

        // Ranks without padding may have fewer batches than rank 0, which then go along with none.
        long batches = ((new DistributedSampler(count, 0, group.Size, pad: true).Count - 1) / BatchSize) + 1;
        long[][] own = [.. sampler.Chunk(BatchSize)];
        BatchGather gather = sampler.GatherBatches(group);
        List<Tensor> seen = [];
        for (int i = 0; i < batches; i++)
        {
            seen.Add(gather.Gather(Results(i < own.Length ? own[i] : [])));
        }

        Expect.True(gather.GatheredCount == count, $"{what}: {gather.GatheredCount} gathered");
        Tensor all = cat(seen), order = all.select(1, 0).argsort();
        Expect.Equal(expected, all.index_select(0, order), $"{what}, by batches");

        // As dealt: rank 0's first, rank 1's first, and so on.
        long[] first = [.. Enumerable.Range(0, group.Size).SelectMany(rank => new DistributedSampler(count, rank, group.Size, shuffle, seed: 3, pad: false) { Epoch = 2 }.Take(1))];
        Expect.Equal(tensor(first).to(ScalarType.Float32), all.select(1, 0).narrow(0, 0, first.Length), $"{what}, the order dealt");
    }

    private static Tensor Results(long[] samples)
    {
        Tensor numbers = tensor(samples).to(ScalarType.Float32);
        return stack([numbers, numbers.square()], 1);
    }

    private static void RefuseOthers(ProcessGroup group)
    {
        if (group.Size == 1)
        {
            return;
        }

        using var scope = NewDisposeScope();
        var sampler = new DistributedSampler(4 * group.Size, group) { Epoch = group.Rank == 1 ? 1 : 0 };
        Expect.Throws<DistributedException>(() => sampler.Gather(group, zeros(4)), group.Rank == 1 ? "rank 0 has 4 rows for epoch 0" : "rank 1 has 4 rows for epoch 1");
        sampler.Epoch = 0;
        Expect.Throws<DistributedException>(() => sampler.Gather(group, zeros(group.Rank == 1 ? 3 : 4)), "rank 1 has 3 rows");
    }
}
