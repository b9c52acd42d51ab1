using System.Globalization;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.Mpi.Pmi;

/// <summary>
/// Starts an MPICH without its launcher: the library asks its process manager for its rank and for the others' addresses over a file descriptor, and this is the process
/// manager, within the same process. It answers out of the job's store, so whoever can tell a process RANK, WORLD_SIZE and where the store is can start MPI over
/// several hosts, and the job's secret protects the meeting. Intel MPI and MVAPICH2 speak the same protocol and were not tried; Open MPI speaks another.
/// </summary>
internal sealed partial class PmiServer : IDisposable
{
    private const int StackBytes = 8 << 20; // As a main thread has: the library runs on one of this server's.

    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(3);

    private readonly Socket _connection;
    private readonly PmiEnvironment _environment;
    private readonly Store _store;
    private readonly int _rank;
    private readonly int _size;
    private readonly TimeSpan _timeout;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenRegistration _cancellation;
    private readonly TaskCompletionSource<DistributedException> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PmiSession _session;
    private readonly Thread _thread;
    private bool _running;
    private bool _abandoned;
    private bool _disposed;

    /// <summary>Begins to answer; the library that is initialized next in this process, by <see cref="Run"/>, finds it.</summary>
    /// <param name="store">The job's store, for as long as MPI is used. The keys that begin with <c>pmi/</c> are this server's.</param>
    /// <param name="rank">This process's number.</param>
    /// <param name="hosts">Which ranks there are, and where.</param>
    /// <param name="timeout">How long to wait for the others.</param>
    /// <param name="cancellation">Ends the wait for the others at the start.</param>
    /// <exception cref="DistributedException">The system gives no connection.</exception>
    public PmiServer(Store store, int rank, HostLayout hosts, TimeSpan timeout, CancellationToken cancellation)
    {
        _store = store;
        _rank = rank;
        _size = hosts.Size;
        _timeout = timeout;
        _cancellation = cancellation.Register(_stop.Cancel);

        // Shorter than the time-out of whoever waits for MPI to start, so that the error which names ranks comes first.
        _session = new PmiSession(store, rank, hosts, new PmiBarrier(store, rank, hosts, 0.9 * timeout, _stop.Token));
        (_connection, LibrarysEnd) = Connect();
        _environment = new PmiEnvironment(LibrarysEnd, rank, hosts.Size);
        _thread = new Thread(Serve) { IsBackground = true, Name = "convoy PMI" };
        _thread.Start();
    }

    /// <summary>The descriptor on which the library asks.</summary>
    public int LibrarysEnd { get; }

    /// <summary>Whether the library has asked anything. One that has not is built for another process manager, and is alone in its world.</summary>
    public bool WasAsked { get; private set; }

    /// <summary>
    /// Runs MPI's initialization or its end, in which it waits for the other ranks without a time-out and ends the process when something goes wrong: here it throws instead. The
    /// call runs on a thread of its own, which stays behind when this throws.
    /// </summary>
    /// <param name="operation">What is done, for messages.</param>
    /// <param name="call">The call of the library.</param>
    /// <exception cref="DistributedException">A rank did not come, has given up or ended; the library gave up; it did not return in time.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public T Run<T>(string operation, Func<T> call)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(
            () =>
            {
                try
                {
                    result.SetResult(call());
                }
                catch (Exception error)
                {
                    result.SetException(error);
                }
            },
            StackBytes)
        { IsBackground = true, Name = "convoy MPI" };
        Volatile.Write(ref _running, true);
        thread.Start();

        // Its own waits end at the time-out and name the ranks. This is for what it does without asking: connecting to hosts, say.
        TimeSpan limit = _timeout + TimeSpan.FromSeconds(5);
        _abandoned = true;
        if (Task.WaitAny([result.Task, _failed.Task], (int)Math.Min(limit.TotalMilliseconds, int.MaxValue), _stop.Token) < 0)
        {
            throw new DistributedException(FormattableString.Invariant(
                $"{operation} did not return within {limit.TotalSeconds:0.###} s. Check which network the MPI library takes (UCX_NET_DEVICES, UCX_TLS), and that the hosts reach each other over it on any port."));
        }

        if (!result.Task.IsCompleted)
        {
            ExceptionDispatchInfo.Throw(_failed.Task.Result);
        }

        // Nothing looks for the variables any more, and no other program is to. Who did not want to wait for the start has its end in order all the same.
        _environment.Dispose();
        _cancellation.Dispose();
        Volatile.Write(ref _running, false);
        _abandoned = false;
        return result.Task.GetAwaiter().GetResult();
    }

    /// <summary>The error that another rank has given up, for this one, which was doing <paramref name="operation"/>; null: none has.</summary>
    /// <exception cref="RendezvousException">The store is gone.</exception>
    public PeerLostException? GivenUp(string operation) => Pmi.GivenUp.Find(_store) is { } other && other.Rank != _rank ? other.ToError(operation) : null;

    /// <summary>Tells the other ranks that this one gives up.</summary>
    /// <exception cref="RendezvousException">The store is gone.</exception>
    public void GiveUp(string cause) => new GivenUp(_rank, Environment.ProcessId, cause).Tell(_store);

    /// <summary>Stops to answer. MPI is finalized before, or given up.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _environment.Dispose();
        _cancellation.Dispose();
        _stop.Cancel();
        if (_abandoned)
        {
            // A thread waits in the library for an answer. Were the connection closed, the library would end the process, in the middle of whatever the process does now.
            _connection.SafeHandle.SetHandleAsInvalid();
            return;
        }

        _connection.Shutdown(SocketShutdown.Both);
        _thread.Join();
        _connection.Dispose();
        _stop.Dispose();
    }

    private void Serve()
    {
        try
        {
            var lines = new LineReader(_connection);
            while (lines.Read() is { } line)
            {
                WasAsked = true;
                if (_session.Answer(line) is { } answer)
                {
                    _connection.Send(Encoding.Latin1.GetBytes(answer + '\n'));
                }
            }

            // The library has closed its end.
            _connection.Shutdown(SocketShutdown.Both);
        }
        catch (ObjectDisposedException) when (!_disposed)
        {
            _failed.TrySetResult(new RendezvousException("the job's store was closed while MPI still needed it. Look for the error before this one."));
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // Whoever ended the wait, or disposed this server, knows. Or the library closed its end while it was answered.
        }
        catch (DistributedException error)
        {
            Fail(error);
        }
    }

    private void Fail(DistributedException error)
    {
        try
        {
            GiveUp(error.Message);
            AwaitOthers();
        }
        catch (DistributedException lost) when (lost is StoreTimeoutException or RendezvousException)
        {
            // The store is gone, or a rank does not come for the news any more: those that are left find out themselves.
        }

        // Last: whoever is told may dispose the store.
        _failed.TrySetResult(error);

        // The library waits for an answer. While MPI starts it goes on waiting, since the caller of Run is told; also while it ends, which has a limit of its own. When it was asked to abort it
        // comes back, or ends the process, when there is no answer.
        if (error is MpiAbortException && !Volatile.Read(ref _running))
        {
            _connection.Shutdown(SocketShutdown.Both);
        }
    }

    // Rank 0 may serve the store: it stays until the others have heard.
    private void AwaitOthers()
    {
        _store.Set(HeardKey(_rank), "");
        if (_rank == 0)
        {
            _store.Wait([.. Enumerable.Range(0, _size).Select(HeardKey)], Farewell);
        }
    }

    // Two connected ends: a socket for this side, and the number of a descriptor that the library makes its own.
    private static unsafe (Socket Own, int Library) Connect()
    {
        const int Local = 1, Stream = 1, CloseOnExec = 0x80000;
        int* ends = stackalloc int[2];
        if (CreatePair(Local, Stream | CloseOnExec, 0, ends) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new DistributedException($"the system gives no connection for MPI's process manager ({Marshal.GetPInvokeErrorMessage(error)}). Allow the process more open files (ulimit -n).");
        }

        return (new Socket(new SafeSocketHandle(ends[0], ownsHandle: true)), ends[1]);
    }

    private static string HeardKey(int rank) => string.Create(CultureInfo.InvariantCulture, $"pmi/heard/{rank}");

    [LibraryImport("libc", EntryPoint = "socketpair", SetLastError = true)]
    private static unsafe partial int CreatePair(int domain, int type, int protocol, int* ends);
}
