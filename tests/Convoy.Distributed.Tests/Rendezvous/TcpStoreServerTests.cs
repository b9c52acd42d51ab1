using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Tests.Rendezvous;

/// <summary>Strangers at the port, and the server's end.</summary>
public class TcpStoreServerTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [InlineData("\u0040\0\0\0this is as long as an answer, but it is not an answer to anything")]
    [InlineData("\0\0\0\0")]
    [InlineData("")]
    public void Stranger_SendsRubbish_IsTurnedAway(string rubbish)
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, "secret", TimeSpan.FromMilliseconds(200));
        using var store = new TcpStore("127.0.0.1", server.Port, "secret");
        using (var stranger = new TcpClient("127.0.0.1", server.Port))
        {
            stranger.GetStream().Write(Encoding.Latin1.GetBytes(rubbish));
            RequireEnd(stranger);
        }

        RequireService(store, server);
    }

    [Fact]
    public void Stranger_AnnouncesTwoGigabytes_IsTurnedAwayWithoutMemory()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, "secret");
        using var store = new TcpStore("127.0.0.1", server.Port, "secret");
        using (var stranger = new TcpClient("127.0.0.1", server.Port))
        {
            stranger.GetStream().Write([0xff, 0xff, 0xff, 0x7f, 1, 2, 3]);
            RequireEnd(stranger);
        }

        RequireService(store, server);
    }

    [Fact]
    public void Stranger_SendsHalfAFrameAndStaysSilent_IsTurnedAwayAfterTheTimeout()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, "secret", TimeSpan.FromMilliseconds(200));
        using var store = new TcpStore("127.0.0.1", server.Port, "secret");
        using (var stranger = new TcpClient("127.0.0.1", server.Port))
        {
            stranger.GetStream().Write([64, 0, 0, 0, 1, 2, 3]);
            RequireEnd(stranger);
        }

        RequireService(store, server);
    }

    [Fact]
    public void Stranger_ReplaysAClientsAnswer_IsTurnedAway()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, "secret");
        byte[] answer = Overheard(server);
        using var stranger = new TcpClient("127.0.0.1", server.Port);
        stranger.GetStream().Write(answer);
        Assert.Contains("a different secret", RequireEnd(stranger), StringComparison.Ordinal);
    }

    [Fact]
    public void Flood_OfSilentConnections_DrivesOutTheOldestAndLeavesClientsAlone()
    {
        // Their time is not over during the test: only the limit on their number ends them.
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, "secret", TimeSpan.FromMinutes(10));
        using var store = new TcpStore("127.0.0.1", server.Port, "secret");
        var strangers = new List<TcpClient>();
        try
        {
            for (int i = 0; i < UnauthenticatedConnections.Maximum + 50; i++)
            {
                var stranger = new TcpClient("127.0.0.1", server.Port);
                strangers.Add(stranger);

                // Its greeting says that it was accepted, so that the order is known.
                stranger.ReceiveTimeout = (int)Limit.TotalMilliseconds;
                stranger.GetStream().ReadExactly(new byte[4]);
                if (i % 20 == 0)
                {
                    store.Set("during", "the flood");
                }
            }

            foreach (TcpClient stranger in strangers.Take(50))
            {
                RequireEnd(stranger);
            }

            RequireOpen(strangers[^1]);
            RequireService(store, server);
        }
        finally
        {
            strangers.ForEach(stranger => stranger.Dispose());
        }
    }

    [Fact]
    public async Task Flood_OfConnectionsThatComeAndGo_LetsClientsInAndServesThem()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, "secret");
        using var store = new TcpStore("127.0.0.1", server.Port, "secret");
        using var over = new CancellationTokenSource();
        Task flood = Task.Run(() =>
        {
            var open = new Queue<TcpClient>();
            for (int i = 0; i < 3000 && !over.IsCancellationRequested; i++)
            {
                var stranger = new TcpClient("127.0.0.1", server.Port);
                stranger.GetStream().Write([64, 0, 0, 0]);
                open.Enqueue(stranger);
                if (open.Count > 300)
                {
                    open.Dequeue().Dispose();
                }
            }

            while (open.TryDequeue(out TcpClient? stranger))
            {
                stranger.Dispose();
            }
        }, TestContext.Current.CancellationToken);
        for (int i = 0; i < 10; i++)
        {
            RequireService(store, server);
        }

        await over.CancelAsync();
        await flood;
    }

    [Fact]
    public async Task Client_ServerDoesNotKnowTheSecret_RefusesIt()
    {
        // A stranger took the port first. It speaks the protocol and says yes to everybody.
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Task<RendezvousException> connecting = Task.Run(
            () => Assert.Throws<RendezvousException>(() => new TcpStore("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, "secret", Limit)), TestContext.Current.CancellationToken);
        using (TcpClient client = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken))
        {
            NetworkStream stream = client.GetStream();
            await StoreProtocol.WriteFrameAsync(stream, (byte[])[.. "convoy-store-2\n"u8, .. new byte[32]], TestContext.Current.CancellationToken);
            byte[] answer = await StoreProtocol.ReadFrameAsync(stream, 64, TestContext.Current.CancellationToken);

            // The client's own proof, sent back to it, proves nothing.
            await StoreProtocol.WriteFrameAsync(stream, StoreReply.Done(answer[32..]).ToBytes(), TestContext.Current.CancellationToken);
            Assert.Contains("does not know the job's secret", (await connecting).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Client_HasASecretAndTheServerNone_IsRefused()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, null);
        Assert.Throws<RendezvousException>(() => new TcpStore("127.0.0.1", server.Port, "secret", Limit));
    }

    [Fact]
    public async Task Dispose_ClientsWait_TellsThemWhichKeysAreMissing()
    {
        var server = new TcpStoreServer(IPAddress.Loopback, 0, null);
        using var store = new TcpStore("127.0.0.1", server.Port);
        store.Set("rank/0", "");
        Task<StoreTimeoutException>[] waiting = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(
            () => Assert.Throws<StoreTimeoutException>(() => store.Wait(["rank/0", "rank/1", "rank/2"], TimeSpan.FromMinutes(2))), TestContext.Current.CancellationToken))];
        while (server.Waiting < 3)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        server.Dispose();
        foreach (StoreTimeoutException error in await Task.WhenAll(waiting))
        {
            Assert.Equal(["rank/1", "rank/2"], error.MissingKeys);
            Assert.True(error.Timeout < TimeSpan.FromMinutes(1), "the time that was waited");
            Assert.Contains("was closed by the process that hosts it", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Waits_WhoseClientHasGone_AreForgotten()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, null);
        var store = new TcpStore("127.0.0.1", server.Port);
        Task waiting = Task.Run(() => Assert.ThrowsAny<Exception>(() => store.Get("never", TimeSpan.FromMinutes(10))), TestContext.Current.CancellationToken);
        while (server.Waiting < 1)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        store.Dispose();
        await waiting;
        for (int i = 0; i < 500 && server.Waiting > 0; i++)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.Equal(0, server.Waiting);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Waits_WhoseRawClientHasGone_AreForgotten(bool asksTwice)
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, null);
        byte[] wait = new StoreRequest(StoreOperation.Get, ["never"], [], (long)TimeSpan.FromHours(1).TotalMilliseconds).ToBytes();
        using (var client = new TcpClient("127.0.0.1", server.Port))
        {
            NetworkStream stream = client.GetStream();
            await StoreHandshake.IntroduceAsync(stream, null, "", TestContext.Current.CancellationToken);
            await StoreProtocol.WriteFrameAsync(stream, wait, TestContext.Current.CancellationToken);
            Assert.True(SpinWait.SpinUntil(() => server.Waiting == 1, Limit));
            if (asksTwice)
            {
                await StoreProtocol.WriteFrameAsync(stream, wait, TestContext.Current.CancellationToken);
            }
        }

        Assert.True(SpinWait.SpinUntil(() => server.Waiting == 0, Limit));
    }

    [Theory]
    [InlineData("Add", "")]
    [InlineData("Add", "00")]
    [InlineData("Add", "00 01 02 03")]
    [InlineData("Delete", "00")]
    [InlineData("Contains", "00")]
    [InlineData("CountKeys", "00 01 02")]
    [InlineData("Set", "00 01")]
    [InlineData("Set", "01 01 00 00 00 61")]
    [InlineData("Get", "09")]
    [InlineData("Get", "01")]
    [InlineData("Get", "01 ff ff ff ff 61")]
    [InlineData("Get", "01 02 00 00 00 61")]
    [InlineData("Get", "01 01 00 00 00 ff")]
    [InlineData("Wait", "00 01")]
    public async Task Client_ServerAnswersRubbish_SaysSo(string operation, string reply)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        string where = listener.LocalEndpoint.ToString()!;
        Task<RendezvousException> asking = Task.Run(() =>
        {
            using var store = new TcpStore("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, null, Limit);
            Action ask = operation switch
            {
                "Add" => () => store.Add("key", 1),
                "Delete" => () => store.Delete("key"),
                "Contains" => () => store.Contains("key"),
                "CountKeys" => () => store.CountKeys(),
                "Set" => () => store.Set("key", "value"),
                "Get" => () => store.Get("key"),
                _ => () => store.Wait(["key"]),
            };
            return Assert.Throws<RendezvousException>(ask);
        }, TestContext.Current.CancellationToken);
        using TcpClient client = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        NetworkStream stream = client.GetStream();
        Assert.True(await StoreHandshake.AdmitAsync(stream, null, () => true, TestContext.Current.CancellationToken));
        await StoreProtocol.ReadFrameAsync(stream, 1000, TestContext.Current.CancellationToken);
        await StoreProtocol.WriteFrameAsync(stream, Convert.FromHexString(reply.Replace(" ", "", StringComparison.Ordinal)), TestContext.Current.CancellationToken);
        Assert.StartsWith($"the store at {where} sent an invalid reply to {operation}", (await asking).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PortTaken_NamesIt()
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, null);
        Assert.Contains($":{server.Port}", Assert.Throws<RendezvousException>(() => new TcpStoreServer(IPAddress.Loopback, server.Port, null)).Message, StringComparison.Ordinal);
    }

    private static void RequireService(TcpStore old, TcpStoreServer server)
    {
        old.Set("key", "still there");
        using var another = new TcpStore("127.0.0.1", server.Port, "secret", Limit);
        Assert.Equal("still there", another.GetText("key"));
    }

    /// <summary>Reads until the server closes the connection, which it must; gives what it said.</summary>
    private static string RequireEnd(TcpClient stranger)
    {
        stranger.ReceiveTimeout = (int)Limit.TotalMilliseconds;
        byte[] said = new byte[1000];
        int total = 0;
        try
        {
            for (int read; (read = stranger.GetStream().Read(said, total, said.Length - total)) > 0;)
            {
                total += read;
                Assert.True(total < 200, "the server says more than its greeting and a refusal");
            }
        }
        catch (IOException error) when (error.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
            // Closed while bytes of the stranger lay unread.
        }

        return Encoding.Latin1.GetString(said, 0, total);
    }

    private static void RequireOpen(TcpClient stranger) => Assert.False(
        stranger.Client.Poll(TimeSpan.FromMilliseconds(100), SelectMode.SelectRead) && stranger.Available == 0, "the newest connection was driven out");

    /// <summary>The frame with which a client answered this server: read by a relay between the two.</summary>
    private static byte[] Overheard(TcpStoreServer server)
    {
        using var relay = new TcpListener(IPAddress.Loopback, 0);
        relay.Start();
        int port = ((IPEndPoint)relay.LocalEndpoint).Port;
        Task connecting = Task.Run(() => Assert.ThrowsAny<Exception>(() => new TcpStore("127.0.0.1", port, "secret", TimeSpan.FromSeconds(1))), TestContext.Current.CancellationToken);
        byte[] answer = new byte[4 + 64];
        using (var toServer = new TcpClient("127.0.0.1", server.Port))
        using (TcpClient toClient = relay.AcceptTcpClient())
        {
            byte[] greeting = new byte[4 + 15 + 32];
            toServer.GetStream().ReadExactly(greeting);
            toClient.GetStream().Write(greeting);
            toClient.GetStream().ReadExactly(answer);
        }

        relay.Stop();
        connecting.GetAwaiter().GetResult();
        Assert.Equal(64, BinaryPrimitives.ReadInt32LittleEndian(answer));
        return answer;
    }
}
