using Convoy.Distributed.Launch;

namespace Convoy.Distributed.Tests.Launch;

public sealed class CoreSharesTests
{
    [Theory]
    [InlineData(1, "rank 0: 0-7")]
    [InlineData(2, "rank 0: 0-1+4-5, rank 1: 2-3+6-7")]
    [InlineData(3, "rank 0: 0-1+4-5, rank 1: 2+6, rank 2: 3+7")]
    [InlineData(4, "rank 0: 0+4, rank 1: 1+5, rank 2: 2+6, rank 3: 3+7")]
    public void Of_FourCoresOfTwoThreads_KeepsThreadsOfACoreTogether(int workers, string expected)
    {
        var shares = CoreShares.Divide(new Machine([0, 4], [1, 5], [2, 6], [3, 7]), workers);

        Assert.Equal(expected, shares.Describe(0));
        Assert.False(shares.Shared);
    }

    [Fact]
    public void Of_MoreWorkersThanCores_DividesTheirThreads()
    {
        var shares = CoreShares.Divide(new Machine([0, 2], [1, 3]), 3);

        Assert.Equal("rank 4: 0+2, rank 5: 1, rank 6: 3", shares.Describe(4));
        Assert.False(shares.Shared);
    }

    [Fact]
    public void Of_MoreWorkersThanProcessors_SharesAndSaysSo()
    {
        var shares = CoreShares.Divide(new Machine([3], [5]), 3);

        Assert.Equal("rank 0: 3, rank 1: 5, rank 2: 3", shares.Describe(0));
        Assert.True(shares.Shared);
    }

    [Fact]
    public void Bind_ALocalRank_BindsItsProcessors()
    {
        var machine = new Machine([3], [5]);

        CoreShares.Divide(machine, 2).Bind(1).Dispose();

        Assert.Equal([5], machine.Bound);
    }

    private sealed class Machine(params IReadOnlyList<int>[] cores) : ICoreAffinity
    {
        public IReadOnlyList<int>? Bound { get; private set; }

        public IReadOnlyList<IReadOnlyList<int>> Cores() => cores;

        public IDisposable Bind(IReadOnlyList<int> processors)
        {
            Bound = processors;
            return new MemoryStream();
        }
    }
}
