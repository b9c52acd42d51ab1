using Convoy.Distributed.Data;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Data;

public class DistributedSamplerTests
{
    [Fact]
    public void Indices_KnownSeeds_ArePyTorchs()
    {
        // What torch.utils.data.DistributedSampler of PyTorch 1.13.1 gave.
        Assert.Equal([4, 7, 3, 0, 6], new DistributedSampler(10, 0, 2).Indices());
        Assert.Equal([1, 5, 9, 8, 2], new DistributedSampler(10, 1, 2).Indices());
        Assert.Equal([0, 1, 6, 5], new DistributedSampler(10, 1, 3, seed: 5) { Epoch = 2 }.Indices());
        Assert.Equal([1], new DistributedSampler(2, 6, 7, seed: 5).Indices());
        Assert.Equal([2, 5, 8], new DistributedSampler(10, 2, 3, shuffle: false, dropLast: true).Indices());
    }

    [Theory]
    [InlineData(10, 3, false)]
    [InlineData(10, 3, true)]
    [InlineData(2, 7, false)]
    [InlineData(12, 4, true)]
    [InlineData(1, 3, false)]
    public void Indices_AnySizes_FollowPyTorchsDefinition(int count, int ranks, bool dropLast)
    {
        using var generator = new Generator(5 + 2);
        int[] order = [.. randperm(count, int64, generator: generator).data<long>().ToArray().Select(i => (int)i)];
        List<int> expected = [.. order];
        int perRank = dropLast ? count / ranks : (int)Math.Ceiling(count / (double)ranks);
        while (expected.Count < perRank * ranks)
        {
            expected.AddRange(order);
        }

        int[][] dealt = [.. Enumerable.Range(0, ranks).Select(rank => new DistributedSampler(count, rank, ranks, seed: 5, dropLast: dropLast) { Epoch = 2 }.Indices().ToArray())];
        Assert.All(dealt, indices => Assert.Equal(perRank, indices.Length));
        Assert.Equal(expected.Take(perRank * ranks), Enumerable.Range(0, perRank * ranks).Select(i => dealt[i % ranks][i / ranks]));
    }

    [Fact]
    public void Indices_WithoutShuffle_AreInOrderAndPaddedFromTheStart() =>
        Assert.Equal([2, 0], new DistributedSampler(5, 2, 3, shuffle: false).Indices());

    [Fact]
    public void Indices_AnotherEpoch_HaveAnotherOrder()
    {
        var sampler = new DistributedSampler(100, 0, 1);
        IReadOnlyList<int> first = sampler.Indices();
        Assert.Equal(first, sampler.Indices());
        sampler.Epoch = 1;
        Assert.NotEqual(first, sampler.Indices());
        Assert.Equal(Enumerable.Range(0, 100), sampler.Indices().Order());
    }
}
