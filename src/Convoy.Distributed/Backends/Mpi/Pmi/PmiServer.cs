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

    private readonly Socket _connection;
    private readonly PmiEnvironment _environment;
    private readonly Store _store;
    private readonly int _rank;
    private readonly TimeSpan _timeout;
    private readonly CancellationToken _cancellation;
    private readonly CancellationTokenSource _stop;
    private readonly TaskCompletionSource<DistributedException> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PmiSession _session;
    private readonly Thread _thread;
    private bool _running;
    private bool _disposed;

    /// <summary>Begins to answer; the library that is initialized next in this process, by <see cref="Run"/>, finds it.</summary>
    /// <param name="store">The job's store, for as long as MPI is used. The keys under <c>pmi</c> are this server's.</param>
    /// <param name="rank">This process's number.</param>
    /// <param name="hosts">Which ranks there are, and where.</param>
    /// <param name="timeout">How long to wait for the others.</param>
    /// <param name="cancellation">Ends the wait for the others.</param>
    /// <exception cref="DistributedException">The system gives no connection.</exception>
    public PmiServer(Store store, int rank, HostLayout hosts, TimeSpan timeout, CancellationToken cancellation)
    {
        _store = new PrefixStore("pmi", store);
        _rank = rank;
        _timeout = timeout;
        _cancellation = cancellation;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _session = new PmiSession(_store, rank, hosts, new PmiBarrier(_store, rank, hosts, timeout, _stop.Token));
        (_connection, int librarysEnd) = Connect();
        _environment = new PmiEnvironment(librarysEnd, rank, hosts.RankCount);
        _thread = new Thread(Serve) { IsBackground = true, Name = "convoy PMI" };
        _thread.Start();
    }

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
        int first = Task.WaitAny([result.Task, _failed.Task], (int)Math.Min(limit.TotalMilliseconds, int.MaxValue), _cancellation);
        Volatile.Write(ref _running, false);
        if (first == 1)
        {
            ExceptionDispatchInfo.Throw(_failed.Task.Result);
        }

        return first == 0 ? result.Task.GetAwaiter().GetResult() : throw new DistributedException(FormattableString.Invariant(
            $"{operation} did not return within {limit.TotalSeconds:0.###} s. Check which network the MPI library takes (UCX_NET_DEVICES, UCX_TLS), and that the hosts reach each other over it on any port."));
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
        _stop.Cancel();
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
        }
        catch (OperationCanceledException)
        {
            // Whoever ended the wait knows.
        }
        catch (SocketException)
        {
            // The library closed its end, or this server was disposed, while it was answered.
        }
        catch (DistributedException error)
        {
            Fail(error);
        }
    }

    private void Fail(DistributedException error)
    {
        _failed.TrySetResult(error);
        try
        {
            if (error is not PeerLostException)
            {
                GiveUp(error.Message);
            }
        }
        catch (RendezvousException)
        {
            // The store is gone: the others find that out themselves.
        }

        // The library waits for an answer. While it starts or ends its caller is told, and it goes on waiting; at any other time (it was asked to abort) it ends the process when there is none.
        if (!Volatile.Read(ref _running))
        {
            _connection.Shutdown(SocketShutdown.Both);
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

    [LibraryImport("libc", EntryPoint = "socketpair", SetLastError = true)]
    private static unsafe partial int CreatePair(int domain, int type, int protocol, int* ends);
}
