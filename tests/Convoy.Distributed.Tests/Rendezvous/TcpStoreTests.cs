using System.Net;
using System.Net.Sockets;
using System.Text;
using Convoy.Distributed.Errors;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Tests.Rendezvous;

public class TcpStoreTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(200);

    [Fact]
    public void Get_KeySetByAnother_GivesItsValue()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, "secret");
        using var a = new TcpStore("127.0.0.1", server.Port, "secret");
        using var b = new TcpStore("127.0.0.1", server.Port, "secret");
        a.Set("key", [1, 2, 3]);
        Assert.Equal<byte>([1, 2, 3], b.Get("key"));
        a.Set("key", "text, and empty next");
        Assert.Equal("text, and empty next", b.GetText("key"));
        a.Set("key", []);
        Assert.Empty(b.Get("key"));
    }

    [Fact]
    public async Task Get_KeySetLater_Waits()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, null);
        using var a = new TcpStore("127.0.0.1", server.Port);
        using var b = new TcpStore("127.0.0.1", server.Port);
        Task<string> waiting = Task.Run(() => b.GetText("later"), TestContext.Current.CancellationToken);
        Assert.NotSame(waiting, await Task.WhenAny(waiting, Task.Delay(Short, TestContext.Current.CancellationToken)));
        a.Set("later", "now");
        Assert.Equal("now", await waiting);
    }

    [Fact]
    public async Task Add_FromManyClients_LosesNothing()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, null);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            using var store = new TcpStore("127.0.0.1", server.Port);
            for (int i = 0; i < 50; i++)
            {
                store.Add("counter", 3);
            }
        })));
        using var reader = new TcpStore("127.0.0.1", server.Port);
        Assert.Equal(598, reader.Add("counter", -2));
        Assert.Equal("598", reader.GetText("counter"));
    }

    [Fact]
    public void Add_ValueIsNoNumber_IsRefused()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, null);
        using var store = new TcpStore("127.0.0.1", server.Port);
        store.Set("key", "text");
        Assert.Contains("'key' holds something that is no whole number", Assert.Throws<DistributedException>(() => store.Add("key", 1)).Message, StringComparison.Ordinal);
        Assert.Equal("text", store.GetText("key"));
    }

    [Fact]
    public void Wait_SomeKeysMissing_NamesThemAfterTheTimeout()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, null);
        using var store = new TcpStore("127.0.0.1", server.Port);
        store.Set("there", "1");
        var error = Assert.Throws<StoreTimeoutException>(() => store.Wait(["there", "missing/1", "missing/2"], Short));
        Assert.Equal(["missing/1", "missing/2"], error.MissingKeys);
        Assert.Contains("'missing/1', 'missing/2' within 0.2 s", error.Message, StringComparison.Ordinal);
        store.Wait(["there"], Short);
    }

    [Fact]
    public void PrefixStore_SameKeyUnderTwoPrefixes_KeepsThemApart()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, null);
        using var store = new TcpStore("127.0.0.1", server.Port);
        new PrefixStore("a", store).Set("key", "1");
        new PrefixStore("b", store).Set("key", "2");
        Assert.Equal("1", store.GetText("a/key"));
        Assert.Equal("2", new PrefixStore("b", store).GetText("key"));
    }

    [Fact]
    public void Connect_WrongSecret_IsRefusedWithTheVariablesName()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, "secret");
        foreach (string? secret in (string?[])["other", null, ""])
        {
            var error = Assert.Throws<RendezvousException>(() => new TcpStore("127.0.0.1", server.Port, secret, TimeSpan.FromSeconds(5)));
            Assert.Contains("CONVOY_JOB_SECRET", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Connect_NobodyListens_NamesAddressAndTimeout()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, null);
        int port = server.Port;
        server.Dispose();
        var error = Assert.Throws<RendezvousException>(() => new TcpStore("127.0.0.1", port, null, Short));
        Assert.Contains($"127.0.0.1:{port} within 0.2 s", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_ServerStartsLater_TriesAgain()
    {
        using var first = new TcpStoreServer(IPAddress.Loopback, 0, null);
        int port = first.Port;
        first.Dispose();
        Task<TcpStore> connecting = Task.Run(() => new TcpStore("127.0.0.1", port, null, TimeSpan.FromSeconds(20)), TestContext.Current.CancellationToken);
        await Task.Delay(Short, TestContext.Current.CancellationToken);
        using var server = new TcpStoreServer(IPAddress.Loopback, port, null);
        using TcpStore store = await connecting;
        Assert.Equal(1, store.Add("alive", 1));
    }

    [Fact]
    public async Task Connect_SomethingElseAnswers_SaysSo()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        Task<RendezvousException> connecting = Task.Run(
            () => Assert.Throws<RendezvousException>(() => new TcpStore("127.0.0.1", port, null, TimeSpan.FromSeconds(5))), TestContext.Current.CancellationToken);
        using Socket other = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
        await other.SendAsync(Encoding.ASCII.GetBytes("\u0010\0\0\0SSH-2.0-another."), TestContext.Current.CancellationToken);
        Assert.Contains("no store of Convoy's", (await connecting).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Server_StrangerSendsGarbage_KeepsServingTheOthers()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, "secret");
        using var store = new TcpStore("127.0.0.1", server.Port, "secret");
        using (var stranger = new TcpClient("127.0.0.1", server.Port))
        {
            // A length of 2 GB: must be turned away, not allocated.
            stranger.GetStream().Write([0xff, 0xff, 0xff, 0x7f, 1, 2, 3]);
            stranger.ReceiveTimeout = 5000;
            byte[] rest = new byte[1000];
            int total = 0, read;
            while ((read = stranger.GetStream().Read(rest)) > 0)
            {
                total += read;
            }

            Assert.True(total < 100, "the server answered more than its greeting");
        }

        store.Set("key", "still there");
        Assert.Equal("still there", store.GetText("key"));
    }

    [Fact]
    public void Get_ServerGone_SaysSo()
    {
        var server = new TcpStoreServer(IPAddress.Loopback, 0, null);
        using var store = new TcpStore("127.0.0.1", server.Port);
        server.Dispose();
        Assert.Contains("is gone", Assert.Throws<RendezvousException>(() => store.Get("key")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Set_ValueTooLarge_IsRefusedBeforeItTravels()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, null);
        using var store = new TcpStore("127.0.0.1", server.Port);
        Assert.Throws<ArgumentException>(() => store.Set("key", new byte[17 << 20]));
        store.Set("key", new byte[16 << 20]);
        Assert.Equal(16 << 20, store.Get("key").Length);
    }

    [Fact]
    public void Server_PortTaken_NamesIt()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, null);
        Assert.Contains($":{server.Port}", Assert.Throws<RendezvousException>(() => new TcpStoreServer(IPAddress.Loopback, server.Port, null)).Message, StringComparison.Ordinal);
    }
}
