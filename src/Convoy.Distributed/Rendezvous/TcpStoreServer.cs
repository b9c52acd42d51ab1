using System.Net;
using System.Net.Sockets;

namespace Convoy.Distributed.Rendezvous;

/// <summary>
/// Serves a store over TCP: the launcher hosts one for the processes that it starts, or rank 0 does. It answers clients that
/// know the job's secret and drops all others, as well as anything that is not a well-formed request of bounded size. Who has
/// not shown the secret can make it hold at most 256 connections of a hundred bytes each, every one for 10 seconds at most.
/// </summary>
public sealed class TcpStoreServer : IDisposable
{
    /// <summary>How long a connection may take to show the secret unless told otherwise.</summary>
    internal static readonly TimeSpan DefaultGreetingTimeout = TimeSpan.FromSeconds(10);

    // How long a client may take to read a last reply when the server ends.
    private static readonly TimeSpan FarewellTimeout = TimeSpan.FromSeconds(2);

    // Out of file descriptors, say: trying again at once would only burn a core.
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(20);

    private readonly TcpListener _listener;
    private readonly string? _secret;
    private readonly TimeSpan _greetingTimeout;
    private readonly StoreTable _table = new();
    private readonly UnauthenticatedConnections _unauthenticated = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _abort = new();
    private readonly Task _accepting;
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _clients = [];
    private int _disposed;

    /// <summary>Starts to serve at once.</summary>
    /// <param name="address">Where to listen: <see cref="IPAddress.Loopback"/> unless other machines take part.</param>
    /// <param name="port">The port; 0: any free one, which <see cref="Port"/> then tells.</param>
    /// <param name="secret">What a client must know; null or empty: every Convoy client without a secret is let in.</param>
    /// <exception cref="RendezvousException">The port is taken or may not be used.</exception>
    public TcpStoreServer(IPAddress address, int port, string? secret)
        : this(address, port, secret, DefaultGreetingTimeout)
    {
    }

    internal TcpStoreServer(IPAddress address, int port, string? secret, TimeSpan greetingTimeout)
    {
        ArgumentNullException.ThrowIfNull(address);
        _secret = secret;
        _greetingTimeout = greetingTimeout;
        _listener = new TcpListener(address, port);
        try
        {
            _listener.Start();
        }
        catch (SocketException error)
        {
            _listener.Dispose();
            throw new RendezvousException(
                FormattableString.Invariant($"the store cannot listen on {address}:{port} ({error.SocketErrorCode}). Set MASTER_PORT to a free port, and MASTER_ADDR to an address of this machine."), error);
        }

        Address = address;
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>The address that it listens on.</summary>
    public IPAddress Address { get; }

    /// <summary>The port that it listens on.</summary>
    public int Port { get; }

    /// <summary>How many requests wait for keys.</summary>
    internal int Waiting => _table.Waiting;

    /// <summary>
    /// Stops listening, tells each client that waits which keys it misses (it gets a
    /// <see cref="StoreTimeoutException"/> that names them), and closes every connection.
    /// </summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
        {
            return;
        }

        // First the answers to who waits, then the end of reading; writing goes on until they are out.
        _table.Close();
        _stop.Cancel();
        _abort.CancelAfter(FarewellTimeout);
        _listener.Stop();
        _accepting.Wait();
        Task[] clients;
        lock (_lock)
        {
            clients = [.. _clients];
        }

        Task.WaitAll(clients);
        _listener.Dispose();
        _stop.Dispose();
        _abort.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            TcpClient client;
            try
            {
                client = await _listener.AcceptTcpClientAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException || _stop.IsCancellationRequested)
            {
                return;
            }
            catch (SocketException)
            {
                // That one client went away while it connected, or too much is open; the next may succeed.
                await Task.Delay(AcceptPause, CancellationToken.None).ConfigureAwait(false);
                continue;
            }

            LinkedListNode<TcpClient> place = _unauthenticated.Add(client);
            Task serving = Task.Run(() => ServeAsync(client, place));
            lock (_lock)
            {
                _clients.Add(serving);
            }

            _ = serving.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private void Forget(Task serving)
    {
        lock (_lock)
        {
            _clients.Remove(serving);
        }
    }

    private async Task ServeAsync(TcpClient client, LinkedListNode<TcpClient> place)
    {
        using (client)
        {
            try
            {
                if (await IsAdmittedAsync(client, place).ConfigureAwait(false))
                {
                    // A machine that fails says no goodbye.
                    client.Client.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
                    await AnswerAllAsync(client.GetStream()).ConfigureAwait(false);
                }
            }
            catch (Exception error) when (error is IOException or InvalidDataException or SocketException or OperationCanceledException or InvalidOperationException)
            {
                // The client ended or was displaced, spoke something else, or the server stops: in each case the connection
                // is closed, and a client of the same job reports it with what it was doing.
            }
            finally
            {
                _unauthenticated.Remove(place);
            }
        }
    }

    private async Task<bool> IsAdmittedAsync(TcpClient client, LinkedListNode<TcpClient> place)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(_greetingTimeout);

        // By the stream: a client that was displaced by now has none, which is reported as such; its own property would be null.
        NetworkStream stream = client.GetStream();
        stream.Socket.NoDelay = true;
        return await StoreHandshake.AdmitAsync(stream, _secret, () => _unauthenticated.Remove(place), limit.Token).ConfigureAwait(false);
    }

    private async Task AnswerAllAsync(NetworkStream stream)
    {
        Task<byte[]> next = ReadRequestAsync(stream);
        while (true)
        {
            StoreRequest request = StoreRequest.FromBytes(await next.ConfigureAwait(false));

            // Reading on shows when a client that waits has gone, so that nothing waits for it any longer.
            next = ReadRequestAsync(stream);
            try
            {
                StoreReply reply = await AnswerAsync(request, next).ConfigureAwait(false);
                await StoreProtocol.WriteFrameAsync(stream, reply.ToBytes(), _abort.Token).ConfigureAwait(false);
            }
            catch
            {
                // The connection ends by this error; how the reading then ends is no news.
                _ = next.ContinueWith(static read => read.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
                throw;
            }
        }
    }

    private async Task<StoreReply> AnswerAsync(StoreRequest request, Task<byte[]> next)
    {
        using var gone = new CancellationTokenSource();
        Task<StoreReply> answer = _table.AnswerAsync(request, gone.Token);
        if (!answer.IsCompleted && await Task.WhenAny(answer, next).ConfigureAwait(false) == next && !_stop.IsCancellationRequested)
        {
            // Also a client that asks again before it has its answer, which none of Convoy's does: its end would not be seen any more.
            await gone.CancelAsync().ConfigureAwait(false);
        }

        return await answer.ConfigureAwait(false);
    }

    private Task<byte[]> ReadRequestAsync(NetworkStream stream) => StoreProtocol.ReadFrameAsync(stream, StoreProtocol.MaximumFrameBytes, _stop.Token);
}

/// <summary>
/// The connections of a <see cref="TcpStoreServer"/> that have not shown the secret yet. There are at most
/// <see cref="Maximum"/>: one more closes the oldest, which has had the longest time to answer. A client of the job answers within
/// milliseconds, so a flood of strangers displaces strangers; a client that is displaced all the same connects again.
/// </summary>
internal sealed class UnauthenticatedConnections
{
    public const int Maximum = 256;

    private readonly Lock _lock = new();
    private readonly LinkedList<TcpClient> _unauthenticated = [];

    public LinkedListNode<TcpClient> Add(TcpClient client)
    {
        TcpClient? oldest = null;
        LinkedListNode<TcpClient> place;
        lock (_lock)
        {
            if (_unauthenticated.Count == Maximum)
            {
                oldest = _unauthenticated.First!.Value;
                _unauthenticated.RemoveFirst();
            }

            place = _unauthenticated.AddLast(client);
        }

        oldest?.Dispose();
        return place;
    }

    /// <summary>Takes a connection out, because it has shown the secret or has ended; false when it was displaced before.</summary>
    public bool Remove(LinkedListNode<TcpClient> place)
    {
        lock (_lock)
        {
            if (place.List is null)
            {
                return false;
            }

            _unauthenticated.Remove(place);
            return true;
        }
    }
}
