using System.Diagnostics;
using System.Net.Sockets;

namespace Convoy.Distributed.Rendezvous;

/// <summary>A store in another process, reached over TCP; optionally this process serves it as well (rank 0 of a job without a launcher).</summary>
public sealed class TcpStore : Store
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(50);

    // The server decides when a wait is over. This is how much later it may tell so before it counts as hung.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly string _host;
    private readonly int _port;
    private readonly TcpStoreServer? _server;
    private readonly TcpClient _client;

    /// <summary>Connects, trying again until <paramref name="timeout"/> is over when nobody listens yet.</summary>
    /// <param name="host">The server's name or address.</param>
    /// <param name="port">The server's port.</param>
    /// <param name="secret">The job's secret; null: none.</param>
    /// <param name="timeout">How long to try to connect, and how long waits last unless told otherwise; null: 5 minutes.</param>
    /// <param name="server">The server when this process hosts it: disposed with this store. Null: somebody else hosts it.</param>
    /// <exception cref="Errors.RendezvousException">Nobody answers there, something else does, or the secret is wrong.</exception>
    public TcpStore(string host, int port, string? secret = null, TimeSpan? timeout = null, TcpStoreServer? server = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        _host = host;
        _port = port;
        _server = server;
        Timeout = timeout ?? DefaultTimeout;
        _client = Connect(secret);
    }

    /// <inheritdoc/>
    public override TimeSpan Timeout { get; }

    private string Where => FormattableString.Invariant($"{_host}:{_port}");

    /// <inheritdoc/>
    public override void Set(string key, ReadOnlySpan<byte> value) => Ask(new StoreRequest(StoreOperation.Set, [key], value.ToArray(), 0), TimeSpan.Zero);

    /// <inheritdoc/>
    public override byte[] Get(string key, TimeSpan? timeout = null) => Await(StoreOperation.Get, [key], timeout ?? Timeout);

    /// <inheritdoc/>
    public override long Add(string key, long amount) =>
        BitConverter.ToInt64(Ask(new StoreRequest(StoreOperation.Add, [key], [], amount), TimeSpan.Zero).Payload);

    /// <inheritdoc/>
    public override void Wait(IReadOnlyList<string> keys, TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(keys);
        if (keys.Count > 0)
        {
            Await(StoreOperation.Wait, keys, timeout ?? Timeout);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _client.Dispose();
        _server?.Dispose();
        base.Dispose(disposing);
    }

    private byte[] Await(StoreOperation operation, IReadOnlyList<string> keys, TimeSpan timeout)
    {
        StoreReply reply = Ask(new StoreRequest(operation, keys, [], (long)timeout.TotalMilliseconds), timeout);
        return reply.Status == StoreStatus.TimedOut ? throw new Errors.StoreTimeoutException(reply.Text.Split('\n'), timeout) : reply.Payload;
    }

    private StoreReply Ask(StoreRequest request, TimeSpan patience)
    {
        foreach (string key in request.Keys)
        {
            int bytes = System.Text.Encoding.UTF8.GetByteCount(key);
            ArgumentOutOfRangeException.ThrowIfZero(bytes, nameof(request));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, StoreProtocol.MaximumKeyBytes, nameof(request));
        }

        byte[] body = request.ToBytes();
        if (body.Length > StoreProtocol.MaximumFrameBytes)
        {
            throw new ArgumentException(FormattableString.Invariant($"a value of {request.Value.Length} bytes is too large for the store, which takes 16 MiB"), nameof(request));
        }

        lock (_lock)
        {
            using var limit = new CancellationTokenSource(patience + Grace);
            try
            {
                NetworkStream stream = _client.GetStream();
                Finish(StoreProtocol.WriteFrameAsync(stream, body, limit.Token));
                StoreReply reply = StoreReply.FromBytes(Finish(StoreProtocol.ReadFrameAsync(stream, StoreProtocol.MaximumFrameBytes, limit.Token)));
                return reply.Status == StoreStatus.Refused
                    ? throw new Errors.DistributedException($"the store at {Where} refused: {reply.Text}.")
                    : reply;
            }
            catch (OperationCanceledException error)
            {
                // An answer may still arrive later and would be taken for the next one's.
                _client.Dispose();
                throw new Errors.RendezvousException($"the store at {Where} does not answer ({request.Operation} '{request.Keys[0]}'). See whether the process that hosts it hangs.", error);
            }
            catch (Exception error) when (error is IOException or SocketException or InvalidDataException or InvalidOperationException)
            {
                throw new Errors.RendezvousException($"the store at {Where} is gone ({request.Operation} '{request.Keys[0]}'). The process that hosts it, the launcher or rank 0, has ended: look at its output.", error);
            }
        }
    }

    private TcpClient Connect(string? secret)
    {
        long start = Stopwatch.GetTimestamp();
        using var pause = new ManualResetEventSlim();
        while (true)
        {
            TimeSpan left = Timeout - Stopwatch.GetElapsedTime(start);
            var client = new TcpClient { NoDelay = true };
            try
            {
                using var limit = new CancellationTokenSource(left > TimeSpan.FromMilliseconds(1) ? left : TimeSpan.FromMilliseconds(1));
                Finish(client.ConnectAsync(_host, _port, limit.Token).AsTask());
                Introduce(client.GetStream(), secret, limit.Token);
                return client;
            }
            catch (Exception error) when (error is SocketException or IOException or OperationCanceledException)
            {
                client.Dispose();
                if (Stopwatch.GetElapsedTime(start) + RetryPause >= Timeout)
                {
                    throw new Errors.RendezvousException(
                        FormattableString.Invariant($"no store answers at {Where} within {Timeout.TotalSeconds:0.###} s ({error.Message}). See whether rank 0 or the launcher runs, and whether MASTER_ADDR and MASTER_PORT are theirs."), error);
                }

                pause.Wait(RetryPause);
            }
            catch
            {
                client.Dispose();
                throw;
            }
        }
    }

    private void Introduce(NetworkStream stream, string? secret, CancellationToken stop)
    {
        StoreReply reply;
        try
        {
            byte[] greeting = Finish(StoreProtocol.ReadFrameAsync(stream, StoreProtocol.Greeting.Length + StoreProtocol.ChallengeBytes, stop));
            if (!greeting.AsSpan().StartsWith(StoreProtocol.Greeting))
            {
                throw new InvalidDataException("another greeting");
            }

            byte[] challenge = greeting[StoreProtocol.Greeting.Length..];
            Finish(StoreProtocol.WriteFrameAsync(stream, StoreProtocol.Answer(secret, challenge), stop));
            reply = StoreReply.FromBytes(Finish(StoreProtocol.ReadFrameAsync(stream, StoreProtocol.MaximumKeyBytes, stop)));
        }
        catch (InvalidDataException error)
        {
            throw new Errors.RendezvousException($"what answers at {Where} is no store of Convoy's. Give the port of the job's store in MASTER_PORT.", error);
        }

        if (reply.Status != StoreStatus.Done)
        {
            throw new Errors.RendezvousException($"the store at {Where} refused this process: {reply.Text}. Give every process of the job the same {RankEnvironment.JobSecretVariable}.");
        }
    }

    private static void Finish(Task task) => task.GetAwaiter().GetResult();

    private static T Finish<T>(Task<T> task) => task.GetAwaiter().GetResult();
}
