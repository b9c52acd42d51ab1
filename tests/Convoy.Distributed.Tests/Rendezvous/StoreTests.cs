using System.Net;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Tests.Rendezvous;

/// <summary>What every store keeps to. Two stores on the same values stand for two processes.</summary>
public sealed class StoreTests : IDisposable
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(200);
    private readonly TcpStoreServer _server = new(IPAddress.Loopback, 0, "secret");
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("convoy-store-tests-");
    private readonly List<Store> _stores = [];

    public static TheoryData<string> Kinds => ["tcp", "file", "prefix"];

    [Theory, MemberData(nameof(Kinds))]
    public void Get_KeySetByAnother_GivesItsValue(string kind)
    {
        (Store a, Store b) = Two(kind);
        a.Set("key", [1, 2, 3]);
        Assert.Equal<byte>([1, 2, 3], b.Get("key"));
        a.Set("key", "text, and empty next");
        Assert.Equal("text, and empty next", b.GetText("key"));
        a.Set("key", []);
        Assert.Empty(b.Get("key"));
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task Get_KeySetLater_Waits(string kind)
    {
        (Store a, Store b) = Two(kind);
        Task<string> waiting = Task.Run(() => b.GetText("later"), TestContext.Current.CancellationToken);
        Assert.NotSame(waiting, await Task.WhenAny(waiting, Task.Delay(Short, TestContext.Current.CancellationToken)));
        a.Set("later", "now");
        Assert.Equal("now", await waiting);
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task Get_AnotherThreadSetsTheKeyThroughTheSameStore_Returns(string kind)
    {
        (Store a, _) = Two(kind);
        Task<string>[] waiting = [.. Enumerable.Range(0, 3).Select(i => Task.Run(() => a.GetText($"later/{i}", TimeSpan.FromSeconds(20)), TestContext.Current.CancellationToken))];
        await Task.Delay(Short, TestContext.Current.CancellationToken);
        for (int i = 0; i < 3; i++)
        {
            a.Set($"later/{i}", "now");
        }

        Assert.Equal(["now", "now", "now"], await Task.WhenAll(waiting));
    }

    // The expected values are those of PyTorch 1.13.1's TCPStore and FileStore.
    [Theory, MemberData(nameof(Kinds))]
    public void CompareSet_AllCases_AnswersAsPyTorch(string kind)
    {
        (Store a, Store b) = Two(kind);
        Assert.Equal("x", a.CompareSet("absent", "x", "y"));
        Assert.False(b.Contains("absent"));
        Assert.Equal("v1", a.CompareSet("key", "", "v1"));
        Assert.Equal("v1", b.CompareSet("key", "", "v2"));
        Assert.Equal("v3", b.CompareSet("key", "v1", "v3"));
        Assert.Equal("v3", a.CompareSet("key", "zz", "v4"));
        Assert.Equal("v3", a.GetText("key"));
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task CompareSet_ByManyAtOnce_LetsOneWin(string kind)
    {
        (Store a, Store b) = Two(kind);
        string[] results = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => (i % 2 == 0 ? a : b).CompareSet("leader", "", $"rank {i}"))));
        Assert.Single(results.Distinct());
        Assert.Equal(results[0], b.GetText("leader"));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Delete_KeyThereAndThenNot_SaysWhich(string kind)
    {
        (Store a, Store b) = Two(kind);
        a.Set("key", "1");
        Assert.True(b.Delete("key"));
        Assert.False(a.Delete("key"));
        Assert.False(a.Contains("key"));
        Assert.Throws<StoreTimeoutException>(() => a.Get("key", TimeSpan.Zero));
        Assert.Equal(5, b.Add("key", 5));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Contains_SomeKeysMissing_IsFalseAtOnce(string kind)
    {
        (Store a, Store b) = Two(kind);
        a.Set("1", "");
        Assert.True(b.Contains("1"));
        Assert.False(b.Contains(["1", "2"]));
        a.Set("2", "");
        Assert.True(b.Contains(["1", "2"]));
        Assert.True(b.Contains([]));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void CountKeys_AfterSetAddDelete_CountsWhatIsThere(string kind)
    {
        (Store a, Store b) = Two(kind);
        Assert.Equal(0, a.CountKeys());
        a.Set("1", "x");
        a.Add("2", 1);
        a.Add("2", 1);
        Assert.Equal(2, b.CountKeys());
        b.Delete("1");
        Assert.Equal(1, a.CountKeys());
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task Add_FromManyAtOnce_LosesNothing(string kind)
    {
        (Store a, Store b) = Two(kind);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            for (int i = 0; i < 50; i++)
            {
                (thread % 2 == 0 ? a : b).Add("counter", 3);
            }
        })));
        Assert.Equal(598, b.Add("counter", -2));
        Assert.Equal("598", a.GetText("counter"));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Add_ValueIsNoNumber_IsRefused(string kind)
    {
        (Store a, _) = Two(kind);
        a.Set("key", "text");
        Assert.Contains("key' does not hold a whole number", Assert.Throws<DistributedException>(() => a.Add("key", 1)).Message, StringComparison.Ordinal);
        Assert.Equal("text", a.GetText("key"));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Wait_SomeKeysMissing_NamesThemAfterTheTimeout(string kind)
    {
        (Store a, Store b) = Two(kind);
        a.Set("there", "1");
        var error = Assert.Throws<StoreTimeoutException>(() => b.Wait(["missing/1", "there", "missing/2\n"], Short));
        Assert.Equal(["missing/1", "missing/2\n"], error.MissingKeys);
        Assert.Equal(Short, error.Timeout);
        Assert.Contains("missing/1'", error.Message, StringComparison.Ordinal);
        Assert.Contains("within 0.2 s", error.Message, StringComparison.Ordinal);
        b.Wait(["there"], TimeSpan.Zero);
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task Wait_KeyDeletedBeforeTheOthersCame_GoesOnWaiting(string kind)
    {
        (Store a, Store b) = Two(kind);
        Task waiting = Task.Run(() => b.Wait(["1", "2"], TimeSpan.FromSeconds(20)), TestContext.Current.CancellationToken);
        await Task.Delay(Short, TestContext.Current.CancellationToken);
        a.Set("1", "");
        a.Delete("1");
        a.Set("2", "");
        Assert.NotSame(waiting, await Task.WhenAny(waiting, Task.Delay(Short, TestContext.Current.CancellationToken)));
        a.Set("1", "");
        await waiting;
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Set_KeyOrValueTooLarge_IsRefusedBeforeItTravels(string kind)
    {
        (Store a, Store b) = Two(kind);
        Assert.Throws<ArgumentException>(() => a.Set("key", new byte[(16 << 20) + 1]));
        Assert.Throws<ArgumentException>(() => a.Set(new string('k', 1025), "1"));
        Assert.Throws<ArgumentException>(() => a.Set("", "1"));
        Assert.Throws<ArgumentException>(() => a.Wait(["key", ""]));
        a.Set("key", new byte[16 << 20]);
        Assert.Equal(16 << 20, b.Get("key").Length);
        Assert.Equal(16 << 20, b.CompareSet("key", new byte[16 << 20], new byte[16 << 20]).Length);
        a.Set(new string('k', 1000), "1");
        Assert.True(b.Contains(new string('k', 1000)));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Set_AfterDispose_IsRefused(string kind)
    {
        (Store a, _) = Two(kind);
        a.Dispose();
        foreach (Store store in _stores)
        {
            store.Dispose();
        }

        Assert.Throws<ObjectDisposedException>(() => a.Set("key", "1"));
    }

    public void Dispose()
    {
        foreach (Store store in _stores)
        {
            store.Dispose();
        }

        _server.Dispose();
        _folder.Delete(recursive: true);
    }

    private (Store A, Store B) Two(string kind)
    {
        Store a = One(kind), b = One(kind);
        _stores.AddRange([a, b]);
        return kind == "prefix" ? (new PrefixStore("some/prefix", a), new PrefixStore("some/prefix", b)) : (a, b);
    }

    private Store One(string kind) => kind == "file"
        ? new FileStore(Path.Combine(_folder.FullName, "store"), 2)
        : new TcpStore("127.0.0.1", _server.Port, "secret");
}
