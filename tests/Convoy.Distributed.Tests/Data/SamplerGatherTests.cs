using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Data;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Data;

public sealed class SamplerGatherTests : IDisposable
{
    private readonly ProcessGroupSingle _group = new();

    public void Dispose() => _group.Dispose();

    [Fact]
    public void Gather_OneRankShuffled_GivesTheDataSetsOrder()
    {
        var sampler = new DistributedSampler(7, _group, seed: 4);
        using Tensor results = tensor(sampler.Select(index => 10 * index).ToArray());
        using Tensor whole = sampler.Gather(_group, results);
        Assert.Equal([0, 10, 20, 30, 40, 50, 60], whole.data<long>().ToArray());
    }

    [Fact]
    public void Gather_RowsOfAnotherNumber_SaysWhichRank()
    {
        using Tensor results = zeros(6, 2);
        DistributedException error = Assert.Throws<DistributedException>(() => new DistributedSampler(7, _group).Gather(_group, results));
        Assert.StartsWith("Gather: rank 0 has 6 rows", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Gather_SamplerOfOtherRanks_IsRefused()
    {
        using Tensor results = zeros(4);
        Assert.Throws<ArgumentException>(() => new DistributedSampler(7, 1, 2).Gather(_group, results));
    }

    [Fact]
    public void GatherBatches_MoreRowsThanSamples_SaysWhichRank()
    {
        BatchGather gather = new DistributedSampler(3, _group).GatherBatches(_group);
        using Tensor two = zeros(2);
        using Tensor first = gather.Gather(two);
        Assert.Equal(2, gather.GatheredCount);
        Assert.Contains("rank 0 gives 2 rows after 2, and has 3 samples", Assert.Throws<DistributedException>(() => gather.Gather(two)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void GatherBatches_SingleValue_IsRefused()
    {
        using Tensor value = tensor(1f);
        Assert.Throws<DistributedException>(() => new DistributedSampler(3, _group).GatherBatches(_group).Gather(value));
    }
}
