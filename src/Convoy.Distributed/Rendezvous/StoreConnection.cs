using System.Diagnostics;
using System.Net.Sockets;

namespace Convoy.Distributed.Rendezvous;

/// <summary>One connection of a <see cref="TcpStore"/>: a request goes out, its reply comes back. One thread at a time uses it.</summary>
internal sealed class StoreConnection : IDisposable
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(50);

    // The server decides when a wait is over. This is how much later it may tell so before it counts as hung.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly TcpClient _client;
    private readonly string _where;

    private StoreConnection(TcpClient client, string where)
    {
        _client = client;
        _where = where;
    }

    /// <summary>Connects, trying again until <paramref name="timeout"/> is over when nobody listens yet.</summary>
    /// <exception cref="RendezvousException">Nobody answers there, something else does, or the secret is another one.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was signalled.</exception>
    public static StoreConnection Open(string host, int port, string? secret, TimeSpan timeout, CancellationToken cancellation)
    {
        string where = FormattableString.Invariant($"{host}:{port}");
        long start = Stopwatch.GetTimestamp();
        using var pause = new ManualResetEventSlim();
        while (true)
        {
            TimeSpan left = timeout - Stopwatch.GetElapsedTime(start);
            var client = new TcpClient { NoDelay = true };
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                limit.CancelAfter(Bounded(left, TimeSpan.FromMilliseconds(1)));
                Finish(client.ConnectAsync(host, port, limit.Token).AsTask());
                Finish(StoreHandshake.IntroduceAsync(client.GetStream(), secret, where, limit.Token));
                return new StoreConnection(client, where);
            }
            catch (Exception error) when (error is SocketException or IOException or OperationCanceledException)
            {
                bool silent = error is OperationCanceledException && client.Connected;
                client.Dispose();
                cancellation.ThrowIfCancellationRequested();
                if (Stopwatch.GetElapsedTime(start) + RetryPause >= timeout)
                {
                    string reason = silent ? "something accepts connections but does not respond" : error.Message;
                    throw new RendezvousException(
                        FormattableString.Invariant($"no store answers at {where} within {timeout.TotalSeconds:0.###} s ({reason}). Check that rank 0 or the launcher is running, and that MASTER_ADDR and MASTER_PORT are its own."), error);
                }

                pause.Wait(RetryPause, cancellation);
            }
            catch
            {
                client.Dispose();
                throw;
            }
        }
    }

    /// <summary>Asks the server.</summary>
    /// <param name="request">What to ask.</param>
    /// <param name="patience">How long the server may take by the request's own timeout.</param>
    /// <param name="cancellation">Ends the wait for the answer; the connection is of no more use then.</param>
    /// <exception cref="RendezvousException">The server does not answer or is gone; the connection is of no more use.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was signalled.</exception>
    public StoreReply Ask(StoreRequest request, TimeSpan patience, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Bounded(patience, TimeSpan.Zero) + Grace);
        try
        {
            NetworkStream stream = _client.GetStream();
            Finish(StoreProtocol.WriteFrameAsync(stream, request.ToBytes(), limit.Token));
            var reply = StoreReply.FromBytes(Finish(StoreProtocol.ReadFrameAsync(stream, StoreProtocol.MaximumFrameBytes, limit.Token)));
            return reply.Answers(request)
                ? reply
                : throw new InvalidDataException(FormattableString.Invariant($"a reply '{reply.Status}' of {reply.Payload.Length} bytes"));
        }
        catch (InvalidDataException error)
        {
            throw new RendezvousException($"the store at {_where} sent an invalid reply to {Describe(request)} ({error.Message}). Start all processes of the job with the same version of the program.", error);
        }
        catch (OperationCanceledException error)
        {
            cancellation.ThrowIfCancellationRequested();
            throw new RendezvousException($"the store at {_where} does not respond ({Describe(request)}). Check whether the process that hosts it hangs.", error);
        }
        catch (Exception error) when (error is IOException or SocketException or InvalidOperationException)
        {
            throw new RendezvousException($"the store at {_where} is gone ({Describe(request)}). The process that hosts it, the launcher or rank 0, has ended: check its output.", error);
        }
    }

    public void Dispose() => _client.Dispose();

    private static string Describe(StoreRequest request) => request.Keys.Count == 0 ? $"{request.Operation}" : $"{request.Operation} '{request.Keys[0]}'";

    // Timers take at most 49 days.
    private static TimeSpan Bounded(TimeSpan time, TimeSpan least) => TimeSpan.FromTicks(Math.Clamp(time.Ticks, least.Ticks, TimeSpan.FromDays(24).Ticks));

    private static void Finish(Task task) => task.GetAwaiter().GetResult();

    private static T Finish<T>(Task<T> task) => task.GetAwaiter().GetResult();
}
