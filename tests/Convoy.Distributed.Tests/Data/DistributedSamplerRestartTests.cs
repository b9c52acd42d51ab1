using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Data;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Data;

/// <summary>An epoch that other ranks go on with, and batches that ranks share.</summary>
public sealed class DistributedSamplerRestartTests
{
    [Theory]
    [InlineData(10, 4, 2, true)]
    [InlineData(10, 4, 3, false)]
    [InlineData(12, 0, 5, true)]
    [InlineData(7, 6, 2, false)]
    public void GetEnumerator_StartIndex_DealsTheRestOfTheSameOrder(int count, int start, int ranks, bool shuffle)
    {
        long[] order = [.. new DistributedSampler(count, 0, 1, shuffle, seed: 3) { Epoch = 1 }];
        long[][] dealt = [.. Enumerable.Range(0, ranks).Select(rank => new DistributedSampler(count, rank, ranks, shuffle, seed: 3) { Epoch = 1, StartIndex = start }.ToArray())];

        int each = (count - start + ranks - 1) / ranks;
        Assert.All(dealt, own => Assert.Equal(each, own.Length));
        long[] rest = [.. Enumerable.Range(0, each * ranks).Select(i => dealt[i % ranks][i / ranks])];
        Assert.Equal(order[start..], rest[..(count - start)]);
        Assert.Equal([.. Enumerable.Range(0, rest.Length).Select(i => order[start + (i % (count - start))])], rest);
    }

    [Theory]
    [InlineData(50, 8, 1, true)]
    [InlineData(50, 8, 3, true)]
    [InlineData(50, 8, 5, false)]
    [InlineData(48, 8, 8, true)]
    [InlineData(7, 8, 3, true)]
    public void GetEnumerator_BatchSize_EachStepHasTheSameSamplesWithAnyRanks(int count, int batch, int ranks, bool shuffle)
    {
        long[] order = [.. new DistributedSampler(count, 0, 1, shuffle, seed: 3)];
        var samplers = Enumerable.Range(0, ranks).Select(rank => new DistributedSampler(count, rank, ranks, shuffle, seed: 3) { BatchSize = batch }).ToArray();

        for (int rank = 0; rank < ranks; rank++)
        {
            int share = new BatchShare(batch, rank, ranks).Count;
            Assert.Equal(count / batch * share, samplers[rank].Count);
            Assert.Equal([.. Enumerable.Range(0, count / batch).SelectMany(step => Enumerable.Range(0, batch).Where(i => i % ranks == rank).Select(i => order[(step * batch) + i]))], samplers[rank]);
        }
    }

    [Fact]
    public void GetEnumerator_BatchSizeAndStartIndex_GoOnWhereOthersStopped()
    {
        long[] order = [.. new DistributedSampler(50, 0, 1, seed: 3)];
        List<long>[] steps = [.. Enumerable.Range(0, 6).Select(_ => new List<long>())];
        Take(ranks: 4, first: 0, last: 2);
        Take(ranks: 2, first: 2, last: 3);
        Take(ranks: 3, first: 3, last: 6);

        Assert.Equal(order[..48].Chunk(8).Select(batch => batch.Order()), steps.Select(step => step.Order()));

        void Take(int ranks, int first, int last)
        {
            for (int rank = 0; rank < ranks; rank++)
            {
                var sampler = new DistributedSampler(50, rank, ranks, seed: 3) { BatchSize = 8, StartIndex = first * 8 };
                foreach ((int step, long[] own) in sampler.Chunk(new BatchShare(8, rank, ranks).Count).Take(last - first).Index())
                {
                    steps[first + step].AddRange(own);
                }
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void GetEnumerator_StartIndexAtTheEnd_HasNothingLeft(bool shuffle)
    {
        Assert.Empty(new DistributedSampler(10, 1, 3, shuffle) { StartIndex = 10 });
        Assert.Empty(new DistributedSampler(10, 1, 3, shuffle) { StartIndex = 8, BatchSize = 4 });
    }

    [Fact]
    public void LossWeight_AnyShares_MakeTheMeanOfTheRanksTheBatchs()
    {
        double[] losses = [.. Enumerable.Range(0, 8).Select(i => Math.Sqrt(i))];
        double mean = Enumerable.Range(0, 3).Average(rank => losses.Where((_, i) => i % 3 == rank).Average() * new BatchShare(8, rank, 3).LossWeight);

        Assert.Equal(losses.Average(), mean, 1e-15);
        Assert.Equal([3, 3, 2], Enumerable.Range(0, 3).Select(rank => new BatchShare(8, rank, 3).Count));
        Assert.Equal(1, new BatchShare(6, 2, 3).LossWeight);
    }

    [Fact]
    public void Constructor_FewerSamplesThanRanks_Throws()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new BatchShare(2, 0, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DistributedSampler(10, 0, 3) { BatchSize = 2 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new BatchShare(8, 3, 3));
    }

    [Fact]
    public void Initializer_WhatDoesNotGoTogether_Throws()
    {
        Assert.Throws<ArgumentException>(() => new DistributedSampler(10, 0, 2, pad: false) { BatchSize = 4 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new DistributedSampler(10, 0, 2) { StartIndex = 11 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new DistributedSampler(10, 0, 2) { StartIndex = -1 });
    }

    [Fact]
    public void Gather_SamplerOfATrainingStep_Throws()
    {
        using var alone = new ProcessGroupSingle();
        using var rows = zeros(4);

        Assert.Throws<InvalidOperationException>(() => new DistributedSampler(10, alone) { StartIndex = 6 }.Gather(alone, rows));
        Assert.Throws<InvalidOperationException>(() => new DistributedSampler(10, alone) { BatchSize = 4 }.GatherBatches(alone));
    }
}
