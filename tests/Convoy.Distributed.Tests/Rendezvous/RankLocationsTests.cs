using System.Net;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Tests.Rendezvous;

public sealed class RankLocationsTests
{
    [Fact]
    public void Of_NeighboursOfEachHost_CountsByLocalRanksWhateverTheNames()
    {
        // Two launchers on one machine are two hosts.
        HostLayout hosts = RankLocations.Layout([new(0, 2, "a"), new(1, 2, "a"), new(0, 1, "a"), new(0, 2, "b"), new(1, 2, "b")]);
        Assert.Equal([0, 0, 1, 2, 2], hosts.Hosts);
        Assert.Equal((5, 3), (hosts.Size, hosts.HostCount));
        Assert.Equal([3, 4], hosts.MembersOf(2));
    }

    [Fact]
    public void Of_RanksDealtOutInTurn_CountsByNames() =>
        Assert.Equal([0, 1, 0, 1, 0], RankLocations.Layout([new(0, 3, "a"), new(0, 2, "b"), new(1, 3, "a"), new(1, 2, "b"), new(2, 3, "a")]).Hosts);

    // As in a Kubernetes Job whose pods are told a wrong number: they would share memory that they do not have.
    [Fact]
    public void Of_RanksSaidToShareAHostOnTwo_NamesThem()
    {
        RendezvousException error = Assert.Throws<RendezvousException>(() => RankLocations.Layout([new(0, 2, "pod-0"), new(1, 2, "pod-1")]));
        Assert.StartsWith("ranks 0 and 1 are told that they share a host (LOCAL_WORLD_SIZE is 2), but run on pod-0 and pod-1.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_FewerRanksThanSaid_NamesTheRank()
    {
        RendezvousException error = Assert.Throws<RendezvousException>(() => RankLocations.Layout([new(0, 3, "a"), new(0, 1, "b"), new(1, 3, "a")]));
        Assert.StartsWith("rank 0 is told that its host runs 3 ranks (LOCAL_WORLD_SIZE), but 2 came from a.", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0 1")]
    [InlineData("0 1 ")]
    [InlineData("1 1 a")]
    [InlineData("-1 1 a")]
    [InlineData("x 1 a")]
    [InlineData("0 99999999999 a")]
    public void Parse_SomethingElse_Throws(string text) => Assert.Throws<RendezvousException>(() => RankLocation.Parse(text));

    [Fact]
    public async Task Exchange_AllRanks_GiveTheSame()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, "known here only");
        IReadOnlyList<int>[] hosts = await Task.WhenAll(Enumerable.Range(0, 4).Select(rank => Task.Run(() => Exchange(server, rank, 4, TimeSpan.FromSeconds(30)))));
        Assert.All(hosts, found => Assert.Equal([0, 0, 1, 1], found));
    }

    [Fact]
    public async Task Exchange_SomeDoNotCome_AllNameThem()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, "known here only");
        StoreTimeoutException[] errors = await Task.WhenAll(new[] { 0, 3 }.Select(rank => Task.Run(() => Assert.Throws<StoreTimeoutException>(() => Exchange(server, rank, 4, TimeSpan.FromSeconds(0.5))))));
        Assert.All(errors, error => Assert.StartsWith("ranks 1, 2 did not join the process group within 0.5 s.", error.Message, StringComparison.Ordinal));
    }

    private static IReadOnlyList<int> Exchange(TcpStoreServer server, int rank, int size, TimeSpan timeout)
    {
        using var store = new TcpStore("127.0.0.1", server.Port, "known here only", TimeSpan.FromSeconds(30));
        return RankLocations.Exchange(store, rank, size, new RankLocation(rank % 2, 2, "here"), timeout, CancellationToken.None).Hosts;
    }
}
