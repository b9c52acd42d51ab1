using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Convoy.Distributed.Rendezvous;

/// <summary>
/// Serves a store over TCP: the launcher hosts one for the processes that it starts, or rank 0 does. It answers clients that
/// know the job's secret and drops all others, as well as anything that is not a well-formed request of bounded size.
/// </summary>
public sealed class TcpStoreServer : IDisposable
{
    // A stranger who connects and says nothing must not hold a connection for long.
    private static readonly TimeSpan GreetingTimeout = TimeSpan.FromSeconds(10);

    private readonly TcpListener _listener;
    private readonly string? _secret;
    private readonly StoreTable _table = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _clients = [];

    /// <summary>Starts to serve at once.</summary>
    /// <param name="address">Where to listen: <see cref="IPAddress.Loopback"/> unless other machines take part.</param>
    /// <param name="port">The port; 0: any free one, which <see cref="Port"/> then tells.</param>
    /// <param name="secret">What a client must know; null or empty: everybody who reaches the port is let in.</param>
    /// <exception cref="Errors.RendezvousException">The port is taken or may not be used.</exception>
    public TcpStoreServer(IPAddress address, int port, string? secret)
    {
        ArgumentNullException.ThrowIfNull(address);
        _secret = secret;
        _listener = new TcpListener(address, port);
        try
        {
            _listener.Start();
        }
        catch (SocketException error)
        {
            _listener.Dispose();
            throw new Errors.RendezvousException(
                FormattableString.Invariant($"the store cannot listen on {address}:{port} ({error.SocketErrorCode}). Give a free port in MASTER_PORT."), error);
        }

        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>The port that it listens on.</summary>
    public int Port { get; }

    /// <summary>Stops listening and closes every connection; clients that wait get an error.</summary>
    public void Dispose()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        _stop.Cancel();
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
                continue; // That one client went away while it connected; the next may succeed.
            }

            Task serving = Task.Run(() => ServeAsync(client));
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

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                client.NoDelay = true;
                NetworkStream stream = client.GetStream();
                if (!await IsAdmittedAsync(stream).ConfigureAwait(false))
                {
                    return;
                }

                while (true)
                {
                    byte[] body = await StoreProtocol.ReadFrameAsync(stream, StoreProtocol.MaximumFrameBytes, _stop.Token).ConfigureAwait(false);
                    StoreReply reply = await AnswerAsync(StoreRequest.FromBytes(body)).ConfigureAwait(false);
                    await StoreProtocol.WriteFrameAsync(stream, reply.ToBytes(), _stop.Token).ConfigureAwait(false);
                }
            }
            catch (Exception error) when (error is IOException or InvalidDataException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The client ended, spoke something else, or the server stops: in each case the connection is closed, and
                // a client of the same job reports it with what it was doing.
            }
        }
    }

    private async Task<bool> IsAdmittedAsync(NetworkStream stream)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(GreetingTimeout);
        byte[] challenge = RandomNumberGenerator.GetBytes(StoreProtocol.ChallengeBytes);
        await StoreProtocol.WriteFrameAsync(stream, (byte[])[.. StoreProtocol.Greeting, .. challenge], limit.Token).ConfigureAwait(false);
        byte[] answer = await StoreProtocol.ReadFrameAsync(stream, StoreProtocol.AnswerBytes, limit.Token).ConfigureAwait(false);
        bool admitted = string.IsNullOrEmpty(_secret)
            || CryptographicOperations.FixedTimeEquals(answer, StoreProtocol.Answer(_secret, challenge));
        StoreReply reply = admitted ? StoreReply.Done([]) : StoreReply.Refused("wrong secret");
        await StoreProtocol.WriteFrameAsync(stream, reply.ToBytes(), limit.Token).ConfigureAwait(false);
        return admitted;
    }

    private async Task<StoreReply> AnswerAsync(StoreRequest request)
    {
        switch (request.Operation)
        {
            case StoreOperation.Set:
                _table.Set(request.Keys[0], request.Value);
                return StoreReply.Done([]);
            case StoreOperation.Add:
                return _table.Add(request.Keys[0], request.Number) is { } sum
                    ? StoreReply.Done(BitConverter.GetBytes(sum))
                    : StoreReply.Refused($"'{request.Keys[0]}' holds something that is no whole number");
            default:
                TimeSpan timeout = TimeSpan.FromMilliseconds(Math.Clamp(request.Number, 0, int.MaxValue));
                IReadOnlyList<string> missing = await _table.WaitAsync(request.Keys, timeout, _stop.Token).ConfigureAwait(false);
                return missing.Count > 0 ? StoreReply.TimedOut(missing)
                    : StoreReply.Done(request.Operation == StoreOperation.Get ? _table.Find(request.Keys[0])! : []);
        }
    }
}
