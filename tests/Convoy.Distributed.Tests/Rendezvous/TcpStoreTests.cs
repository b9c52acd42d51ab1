using System.Net;
using System.Net.Sockets;
using System.Text;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Tests.Rendezvous;

public class TcpStoreTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(200);

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
        Assert.Contains("not a Convoy store", (await connecting).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Get_ServerGone_SaysSo()
    {
        var server = new TcpStoreServer(IPAddress.Loopback, 0, null);
        using var store = new TcpStore("127.0.0.1", server.Port);
        server.Dispose();
        Assert.Contains("is gone", Assert.Throws<RendezvousException>(() => store.Get("key")).Message, StringComparison.Ordinal);

        // And goes on to say so, without trying to connect for as long as the timeout.
        Assert.Contains("is gone", Assert.Throws<RendezvousException>(() => store.Set("key", "1")).Message, StringComparison.Ordinal);
    }
}
