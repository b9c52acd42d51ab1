using System.Diagnostics;

namespace Convoy.Distributed.Rendezvous;

/// <summary>
/// A store in another process, reached over TCP (PyTorch's <c>TCPStore</c>); optionally this process serves it as well (rank 0
/// of a job without a launcher). Threads that ask at the same time each get a connection of their own.
/// </summary>
public sealed class TcpStore : Store
{
    // A further connection goes to a server that has answered before.
    private static readonly TimeSpan ReconnectTimeout = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly string _host;
    private readonly int _port;
    private readonly string? _secret;
    private readonly TcpStoreServer? _server;
    private readonly Stack<StoreConnection> _idle = [];
    private readonly HashSet<StoreConnection> _busy = [];
    private RendezvousException? _lost;
    private bool _disposed;

    /// <summary>Connects, trying again until <paramref name="timeout"/> is over when nobody listens yet.</summary>
    /// <param name="host">The server's name or address.</param>
    /// <param name="port">The server's port.</param>
    /// <param name="secret">The job's secret, which the server must know too; null: none.</param>
    /// <param name="timeout">How long to try to connect, and how long waits last unless told otherwise; null: 5 minutes.</param>
    /// <param name="server">The server when this process hosts it: disposed with this store. Null: somebody else hosts it.</param>
    /// <param name="cancellation">Ends the attempts to connect.</param>
    /// <exception cref="RendezvousException">Nobody answers there, something else does, or it has a different secret.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was signalled.</exception>
    public TcpStore(string host, int port, string? secret = null, TimeSpan? timeout = null, TcpStoreServer? server = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        _host = host;
        _port = port;
        _secret = secret;
        Timeout = timeout ?? DefaultTimeout;
        _idle.Push(StoreConnection.Open(host, port, secret, Timeout, cancellation));

        // Last, as a failed constructor leaves the server to the caller.
        _server = server;
    }

    /// <inheritdoc/>
    public override TimeSpan Timeout { get; }

    private string Where => FormattableString.Invariant($"{_host}:{_port}");

    /// <inheritdoc/>
    public override void Set(string key, ReadOnlySpan<byte> value)
    {
        RequireKey(key);
        RequireValue(value.Length);
        Ask(new StoreRequest(StoreOperation.Set, [key], value.ToArray(), 0));
    }

    /// <inheritdoc/>
    public override byte[] Get(string key, TimeSpan? timeout = null, CancellationToken cancellation = default)
    {
        RequireKey(key);
        return Await(StoreOperation.Get, [key], timeout ?? Timeout, cancellation);
    }

    /// <inheritdoc/>
    public override long Add(string key, long amount)
    {
        RequireKey(key);
        return BitConverter.ToInt64(Ask(new StoreRequest(StoreOperation.Add, [key], [], amount)));
    }

    /// <inheritdoc/>
    public override byte[] CompareSet(string key, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> desired)
    {
        RequireKey(key);
        RequireValue(Math.Max(expected.Length, desired.Length));
        return Ask(StoreRequest.CompareSet(key, expected, desired));
    }

    /// <inheritdoc/>
    public override bool Delete(string key)
    {
        RequireKey(key);
        return Ask(new StoreRequest(StoreOperation.Delete, [key], [], 0))[0] == 1;
    }

    /// <inheritdoc/>
    public override bool Contains(IReadOnlyList<string> keys)
    {
        RequireKeys(keys);
        return keys.Count == 0 || Ask(new StoreRequest(StoreOperation.Contains, keys, [], 0))[0] == 1;
    }

    /// <inheritdoc/>
    public override int CountKeys() => BitConverter.ToInt32(Ask(new StoreRequest(StoreOperation.CountKeys, [], [], 0)));

    /// <inheritdoc/>
    public override void Wait(IReadOnlyList<string> keys, TimeSpan? timeout = null, CancellationToken cancellation = default)
    {
        RequireKeys(keys);
        if (keys.Count > 0)
        {
            Await(StoreOperation.Wait, keys, timeout ?? Timeout, cancellation);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        StoreConnection[] connections;
        lock (_lock)
        {
            _disposed = true;
            connections = [.. _idle, .. _busy];
            _idle.Clear();
        }

        foreach (StoreConnection connection in connections)
        {
            connection.Dispose();
        }

        _server?.Dispose();
        base.Dispose(disposing);
    }

    private byte[] Await(StoreOperation operation, IReadOnlyList<string> keys, TimeSpan timeout, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        StoreReply reply = AskFor(new StoreRequest(operation, keys, [], (long)timeout.TotalMilliseconds), timeout, cancellation);
        switch (reply.Status)
        {
            case StoreStatus.TimedOut:
                throw new StoreTimeoutException(reply.MissingKeys, timeout);
            case StoreStatus.Closed:
                TimeSpan waited = Stopwatch.GetElapsedTime(start);
                throw new StoreTimeoutException(reply.MissingKeys, waited, FormattableString.Invariant(
                    $"the store at {Where} was closed by the process that hosts it, the launcher or rank 0, after this one had waited {waited.TotalSeconds:0.###} s for {string.Join(", ", reply.MissingKeys.Select(key => $"'{key}'"))}. Check that the process that sets it was started, and the output of the host."));
            default:
                return reply.Payload;
        }
    }

    private byte[] Ask(StoreRequest request) => AskFor(request, TimeSpan.Zero, CancellationToken.None).Payload;

    private StoreReply AskFor(StoreRequest request, TimeSpan patience, CancellationToken cancellation)
    {
        StoreConnection connection = Take();
        bool intact = false;
        try
        {
            StoreReply reply = connection.Ask(request, patience, cancellation);
            intact = true;
            return reply.Status == StoreStatus.Refused
                ? throw new DistributedException($"the store at {Where} refused: {reply.Text}.")
                : reply;
        }
        catch (RendezvousException error)
        {
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                _lost ??= error;
            }

            throw;
        }
        finally
        {
            GiveBack(connection, intact);
        }
    }

    private StoreConnection Take()
    {
        StoreConnection? connection;
        lock (_lock)
        {
            RequireUsable();
            if (_idle.TryPop(out connection))
            {
                _busy.Add(connection);
                return connection;
            }
        }

        // All are in use by threads that wait, which may be for what this one is about to set.
        connection = StoreConnection.Open(_host, _port, _secret, Timeout < ReconnectTimeout ? Timeout : ReconnectTimeout, CancellationToken.None);
        lock (_lock)
        {
            if (!_disposed)
            {
                _busy.Add(connection);
                return connection;
            }
        }

        connection.Dispose();
        throw new ObjectDisposedException(nameof(TcpStore));
    }

    private void RequireUsable()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_lost is not null)
        {
            throw new RendezvousException(_lost.Message, _lost);
        }
    }

    // An answer may still arrive on a broken connection and would be taken for the next one's.
    private void GiveBack(StoreConnection connection, bool intact)
    {
        lock (_lock)
        {
            _busy.Remove(connection);
            if (intact && !_disposed)
            {
                _idle.Push(connection);
                return;
            }
        }

        connection.Dispose();
    }
}
