using Convoy.Distributed.Backends.Single;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests;

// torch's generator is the process's: these tests of one class run one after the other, and no other in this project depends on it.
public class RandomSourcesTests
{
    [Fact]
    public void Seed_SameSeed_GivesTorchTheSameNumbers()
    {
        using var group = new ProcessGroupSingle();
        group.Seed(7);
        using Tensor first = rand(4);
        group.Seed(7);
        using Tensor second = rand(4);
        Assert.Equal(first.data<float>().ToArray(), second.data<float>().ToArray());
    }

    [Fact]
    public void SeparateRanks_RankZero_GoesOnAsIfAlone()
    {
        var sources = new RandomSources(0, 7);
        sources.SeparateRanks();
        using Tensor separated = rand(4);
        random.manual_seed(7);
        using Tensor alone = rand(4);
        Assert.Equal(alone.data<float>().ToArray(), separated.data<float>().ToArray());
    }

    [Fact]
    public void SeparateRanks_OtherRanks_DrawFromTheirOwnSeed()
    {
        new RandomSources(2, 7).SeparateRanks();
        using Tensor drawn = rand(4);
        random.manual_seed(7 + (2 * 1_000_003));
        using Tensor expected = rand(4);
        Assert.Equal(expected.data<float>().ToArray(), drawn.data<float>().ToArray());
    }

    [Fact]
    public void CreateRandom_RanksAndStreams_DifferAndRepeat()
    {
        var sources = (from rank in Enumerable.Range(0, 4) from seed in new long[] { 0, 1 } select new RandomSources(rank, seed)).ToArray();
        int[] drawn = [.. from source in sources from stream in Enumerable.Range(0, 4) select source.CreateRandom(stream).Next()];
        Assert.Equal(drawn.Length, drawn.Distinct().Count());
        Assert.Equal(drawn[^1], sources[^1].CreateRandom(3).Next());
    }

    [Fact]
    public void CreateSharedRandom_TwoRanks_DrawTheSame()
    {
        Assert.Equal(new RandomSources(0, 5).CreateSharedRandom(3).Next(), new RandomSources(3, 5).CreateSharedRandom(3).Next());
        Assert.NotEqual(new RandomSources(0, 5).CreateSharedRandom(3).Next(), new RandomSources(0, 5).CreateRandom(3).Next());
    }
}
