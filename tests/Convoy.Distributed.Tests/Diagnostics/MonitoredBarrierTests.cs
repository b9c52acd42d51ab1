using System.Net;
using Convoy.Distributed.Diagnostics;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Tests.Diagnostics;

public sealed class MonitoredBarrierTests : IDisposable
{
    private readonly TcpStoreServer _server = new(IPAddress.Loopback, 0, null);

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task Wait_AllComeSeveralTimes_Returns()
    {
        Exception?[] errors = await RunAsync(4, [0, 1, 2, 3], TimeSpan.FromSeconds(60), times: 3);
        Assert.All(errors, Assert.Null);
    }

    [Fact]
    public async Task Wait_SomeDoNotCome_AllThatDoNameAllThatDoNot()
    {
        Exception?[] errors = await RunAsync(5, [0, 2, 4], TimeSpan.FromSeconds(1));
        Assert.Equal([0, 2, 4], errors.Index().Where(error => error.Item is not null).Select(error => error.Index));
        Assert.All(errors.OfType<CollectiveTimeoutException>(), error =>
        {
            Assert.Equal([1, 3], error.MissingRanks);
            Assert.Contains("MonitoredBarrier 1 of group default: ranks 1, 3 did not arrive within 1 s. Check what they are doing instead", error.Message, StringComparison.Ordinal);
            Assert.Equal(2, error.Message.Split("did not arrive").Length); // said once
        });
        Assert.StartsWith("rank 0 found: ", errors[2]!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wait_RankZeroDoesNotCome_OthersNameIt()
    {
        Exception?[] errors = await RunAsync(3, [1, 2], TimeSpan.FromSeconds(1));
        Assert.All(errors[1..], error =>
        {
            Assert.Equal([0], Assert.IsType<CollectiveTimeoutException>(error).MissingRanks);
            Assert.Equal(2, error!.Message.Split("did not arrive").Length); // said once
        });
    }

    [Fact]
    public async Task Wait_MissingRankHasEnded_SaysSoAtOnce()
    {
        Exception?[] errors = await RunAsync(3, [0, 1], TimeSpan.FromMinutes(10), ended: rank => rank == 2 ? 4711 : null);
        Assert.All(errors[..2], error => Assert.Contains("rank 2 did not arrive within 600 s; the process of rank 2 (process 4711) has ended.", error!.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Wait_RankZeroHasEnded_SaysSoAtOnce()
    {
        Exception?[] errors = await RunAsync(2, [1], TimeSpan.FromMinutes(10), ended: rank => rank == 0 ? 4711 : null);
        Assert.Equal(0, Assert.IsType<PeerLostException>(errors[1]).Rank);
    }

    [Fact]
    public async Task Wait_StoreEndsWithRankZero_OthersStillLearnThatAllCame()
    {
        using var isBetweenLooks = new ManualResetEventSlim();
        using var rankZeroIsOver = new ManualResetEventSlim();
        Task<Exception?> other = Task.Factory.StartNew(
            () =>
            {
                using var store = new TcpStore("127.0.0.1", _server.Port);
                return Record.Exception(() => new MonitoredBarrier(store, 1, 2, "default", IsAskedWhetherRankZeroHasEnded, left: _ => null).Wait(TimeSpan.FromMinutes(1)));
            },
            TaskCreationOptions.LongRunning);
        using (var store = new TcpStore("127.0.0.1", _server.Port))
        {
            isBetweenLooks.Wait(TestContext.Current.CancellationToken);
            new MonitoredBarrier(store, 0, 2, "default", _ => null, left: _ => null).Wait(TimeSpan.FromMinutes(1));
            Assert.Equal(2, store.CountKeys()); // how often each has called, and nothing of this call
        }

        _server.Dispose();
        rankZeroIsOver.Set();
        Assert.Null(await other);

        int? IsAskedWhetherRankZeroHasEnded(int rank)
        {
            isBetweenLooks.Set();
            rankZeroIsOver.Wait(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
            return null;
        }
    }

    // As one that was stopped for longer than rank 0 stays.
    [Fact]
    public async Task Wait_ARankReadsLate_LearnsThatAllCame()
    {
        using var rankZeroIsOver = new ManualResetEventSlim();
        using TcpStore store = new("127.0.0.1", _server.Port), other = new("127.0.0.1", _server.Port);
        Task<Exception?> late = Task.Factory.StartNew(
            () => Record.Exception(() => new MonitoredBarrier(other, 1, 2, "default", IsAskedWhetherRankZeroHasEnded, left: _ => null).Wait(TimeSpan.FromMinutes(1))),
            TaskCreationOptions.LongRunning);
        store.Wait(["1/1"], TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await Task.Delay(TimeSpan.FromMilliseconds(600), TestContext.Current.CancellationToken); // it no longer waits for the verdict

        new MonitoredBarrier(store, 0, 2, "default", _ => null, left: _ => null).Wait(TimeSpan.FromMinutes(1));
        rankZeroIsOver.Set();

        Assert.Null(await late);

        int? IsAskedWhetherRankZeroHasEnded(int rank)
        {
            rankZeroIsOver.Wait(TestContext.Current.CancellationToken);
            return null;
        }
    }

    private async Task<Exception?[]> RunAsync(int size, int[] coming, TimeSpan timeout, int times = 1, Func<int, int?>? ended = null)
    {
        var errors = new Exception?[size];
        await Task.WhenAll(coming.Select(rank => Task.Factory.StartNew(
            () =>
            {
                using var store = new TcpStore("127.0.0.1", _server.Port);
                var barrier = new MonitoredBarrier(new PrefixStore("test", store), rank, size, "default", ended ?? (_ => null), left: _ => null);
                errors[rank] = Record.Exception(() =>
                {
                    for (int i = 0; i < times; i++)
                    {
                        barrier.Wait(timeout);
                    }
                });
            },
            TaskCreationOptions.LongRunning)));
        return errors;
    }
}
