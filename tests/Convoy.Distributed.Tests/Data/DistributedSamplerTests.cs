using Convoy.Distributed.Data;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Data;

public class DistributedSamplerTests
{
    [Fact]
    public void GetEnumerator_KnownSeeds_ArePyTorchs()
    {
        // What torch.utils.data.DistributedSampler of PyTorch 1.13.1 gave.
        Assert.Equal([4, 7, 3, 0, 6], new DistributedSampler(10, 0, 2));
        Assert.Equal([1, 5, 9, 8, 2], new DistributedSampler(10, 1, 2));
        Assert.Equal([0, 1, 6, 5], new DistributedSampler(10, 1, 3, seed: 5) { Epoch = 2 });
        Assert.Equal([1], new DistributedSampler(2, 6, 7, seed: 5));
        Assert.Equal([2, 5, 8], new DistributedSampler(10, 2, 3, shuffle: false, dropLast: true));
    }

    [Theory]
    [InlineData(10, 3, false)]
    [InlineData(10, 3, true)]
    [InlineData(2, 7, false)]
    [InlineData(12, 4, true)]
    [InlineData(1, 3, false)]
    public void GetEnumerator_AnySizes_FollowPyTorchsDefinition(int count, int ranks, bool dropLast)
    {
        using var generator = new Generator(5 + 2);
        long[] order = [.. randperm(count, int64, generator: generator).data<long>().ToArray()];
        List<long> expected = [.. order];
        int perRank = dropLast ? count / ranks : (int)Math.Ceiling(count / (double)ranks);
        while (expected.Count < perRank * ranks)
        {
            expected.AddRange(order);
        }

        long[][] dealt = [.. Enumerable.Range(0, ranks).Select(rank => new DistributedSampler(count, rank, ranks, seed: 5, dropLast: dropLast) { Epoch = 2 }.ToArray())];
        Assert.All(dealt, indices => Assert.Equal(perRank, indices.Length));
        Assert.Equal(expected.Take(perRank * ranks), Enumerable.Range(0, perRank * ranks).Select(i => dealt[i % ranks][i / ranks]));
    }

    [Fact]
    public void GetEnumerator_WithoutShuffle_AreInOrderAndPaddedFromTheStart() =>
        Assert.Equal([2, 0], new DistributedSampler(5, 2, 3, shuffle: false));

    [Fact]
    public void GetEnumerator_AnotherEpoch_HaveAnotherOrder()
    {
        var sampler = new DistributedSampler(100, 0, 1);
        long[] first = [.. sampler];
        Assert.Equal(first, sampler);
        sampler.Epoch = 1;
        Assert.NotEqual(first, sampler);
        Assert.Equal(Enumerable.Range(0, 100).Select(index => (long)index), sampler.Order());
    }

    [Theory]
    [InlineData(10, 3)]
    [InlineData(2, 7)]
    [InlineData(12, 4)]
    public void GetEnumerator_WithoutPadding_DealsEachSampleOnce(int count, int ranks)
    {
        DistributedSampler[] samplers = [.. Enumerable.Range(0, ranks).Select(rank => new DistributedSampler(count, rank, ranks, seed: 1, pad: false))];

        Assert.Equal(Enumerable.Range(0, count).Select(index => (long)index), samplers.SelectMany(sampler => sampler).Order());
        Assert.All(samplers, sampler => Assert.Equal(sampler.Count, sampler.ToArray().Length));
        Assert.True(samplers[0].Count - samplers[^1].Count is 0 or 1, "the shares differ by more than one");
    }

    [Fact]
    public void GetEnumerator_WithoutPadding_BeginsLikeThePaddedOne()
    {
        var padded = new DistributedSampler(10, 2, 4, seed: 3);
        Assert.Equal(padded.Take(2), new DistributedSampler(10, 2, 4, seed: 3, pad: false));
        Assert.Equal(3, padded.Count);
    }

    [Fact]
    public void GetEnumerator_MoreSamplesThanAnIntHolds_GoesOnAbove()
    {
        const long Count = (1L << 33) + 1;
        var sampler = new DistributedSampler(Count, 1, 2, shuffle: false);
        Assert.Equal((1L << 32) + 1, sampler.Count);
        Assert.Equal([1, 3], sampler.Take(2));

        // The second index of the last of many ranks is beyond an int, the third one begins again.
        Assert.Equal([int.MaxValue - 1L, (2L * int.MaxValue) - 1, (3L * int.MaxValue) - 1 - ((2L * int.MaxValue) + 5)], new DistributedSampler((2L * int.MaxValue) + 5, int.MaxValue - 1, int.MaxValue, shuffle: false));
    }

    [Fact]
    public void GetEnumerator_MoreThanOneBlock_GivesEveryIndexOnce()
    {
        const int Count = (1 << 16) + 3;
        Assert.Equal(Enumerable.Range(0, Count).Select(index => (long)index), new DistributedSampler(Count, 0, 1).Order());
    }

    [Fact]
    public void GetEnumerator_InADisposeScopeThatEnds_GoesOn()
    {
        using IEnumerator<long> indices = new DistributedSampler(1 << 17, 0, 1).GetEnumerator();
        using (NewDisposeScope())
        {
            indices.MoveNext();
        }

        int left = 0;
        while (indices.MoveNext())
        {
            left++;
        }

        Assert.Equal((1 << 17) - 1, left);
    }

    [Fact]
    public void DataLoader_WithTheSampler_GoesThroughTheShareInEveryEpoch()
    {
        using var data = new Numbers(10);
        var sampler = new DistributedSampler(data.Count, 1, 2, seed: 0);
        using var loader = utils.data.DataLoader(data, 2, sampler);

        long[] first = Epoch(loader);
        sampler.Epoch = 1;
        long[] second = Epoch(loader);

        Assert.Equal([1, 5, 9, 8, 2], first);
        Assert.Equal(sampler, second);
        Assert.NotEqual(first, second);

        // What the sampler's documentation says of it.
        Assert.Equal(5, loader.Count);
    }

    [Fact]
    public void Constructor_DropLastWithoutPadding_IsRefused() =>
        Assert.Throws<ArgumentException>(() => new DistributedSampler(10, 0, 2, dropLast: true, pad: false));

    private static long[] Epoch(TorchSharp.Modules.DataLoader loader) => [.. loader.SelectMany(batch => batch["number"].data<long>().ToArray())];

    private sealed class Numbers(long count) : utils.data.Dataset
    {
        public override long Count => count;

        public override Dictionary<string, Tensor> GetTensor(long index) => new() { ["number"] = tensor(index) };
    }
}
