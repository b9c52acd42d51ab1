using System.Globalization;

namespace Convoy.Distributed;

/// <summary>
/// Runs operations one at a time, in the order in which they were asked for. While nothing is waiting, a synchronous one runs on
/// the caller's own thread, which costs no switch; asynchronous ones run on a thread that starts with the first of them. An
/// operation that the backend only starts makes room for the next one as soon as it is started.
/// </summary>
internal sealed class OperationQueue : IDisposable
{
    private readonly object _gate = new();
    private readonly string _name;
    private readonly Action<Work> _execute;
    private readonly Queue<Work> _waiting = new();
    private Thread? _thread;
    private Thread? _runner;
    private bool _closed;

    /// <param name="name">Names the thread.</param>
    /// <param name="execute">Runs an operation, or starts it; does not throw.</param>
    public OperationQueue(string name, Action<Work> execute)
    {
        _name = name;
        _execute = execute;
    }

    /// <summary>Runs <paramref name="work"/> after all that came before it, and throws what it throws.</summary>
    public void Run(Work work)
    {
        bool direct;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, typeof(ProcessGroup));
            direct = _runner is null && _waiting.Count == 0;
            if (direct)
            {
                _runner = Thread.CurrentThread;
            }
            else
            {
                Add(work);
            }
        }

        if (direct)
        {
            try
            {
                _execute(work);
            }
            finally
            {
                Release();
            }
        }

        work.Wait();
    }

    /// <summary>Has <paramref name="work"/> run after all that came before it.</summary>
    public void Enqueue(Work work)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, typeof(ProcessGroup));
            Add(work);
        }
    }

    /// <summary>Fails what has not begun, and returns when what has begun is over.</summary>
    public void Dispose()
    {
        Work[] abandoned;
        lock (_gate)
        {
            _closed = true;
            abandoned = [.. _waiting];
            _waiting.Clear();
            Monitor.PulseAll(_gate);
        }

        foreach (Work work in abandoned)
        {
            work.Abandon(new ObjectDisposedException(nameof(ProcessGroup), $"{work.Operation}: the process group was disposed before this began."));
        }

        lock (_gate)
        {
            while (_runner is not null && _runner != Thread.CurrentThread)
            {
                Monitor.Wait(_gate);
            }
        }
    }

    private void Add(Work work)
    {
        _waiting.Enqueue(work);
        if (_thread is null)
        {
            _thread = new Thread(Loop) { IsBackground = true, Name = _name };
            _thread.Start();
        }

        Monitor.PulseAll(_gate);
    }

    private void Loop()
    {
        while (Next() is { } work)
        {
            try
            {
                _execute(work);
            }
            finally
            {
                Release();
            }
        }
    }

    private Work? Next()
    {
        lock (_gate)
        {
            while (_runner is not null || _waiting.Count == 0)
            {
                if (_closed)
                {
                    return null;
                }

                Monitor.Wait(_gate);
            }

            _runner = Thread.CurrentThread;
            return _waiting.Dequeue();
        }
    }

    private void Release()
    {
        lock (_gate)
        {
            _runner = null;
            if (_waiting.Count > 0 || _closed)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }
}

/// <summary>
/// The queues of messages between two ranks: one for each other rank and direction, so that messages to and from one rank keep
/// their order and do not wait for others.
/// </summary>
internal sealed class MessageQueues(string name, Action<Work> execute) : IDisposable
{
    private readonly Dictionary<(OperationKind Direction, int Peer), OperationQueue> _queues = [];
    private bool _closed;

    /// <summary>The queue for <see cref="OperationKind.Send"/> to, or <see cref="OperationKind.Receive"/> from, <paramref name="peer"/>.</summary>
    public OperationQueue For(OperationKind direction, int peer)
    {
        lock (_queues)
        {
            ObjectDisposedException.ThrowIf(_closed, typeof(ProcessGroup));
            if (!_queues.TryGetValue((direction, peer), out OperationQueue? queue))
            {
                queue = new OperationQueue(string.Create(CultureInfo.InvariantCulture, $"convoy {name} {direction} {peer}"), execute);
                _queues.Add((direction, peer), queue);
            }

            return queue;
        }
    }

    public void Dispose()
    {
        OperationQueue[] queues;
        lock (_queues)
        {
            // A queue made later would work in memory that is gone.
            _closed = true;
            queues = [.. _queues.Values];
        }

        foreach (OperationQueue queue in queues)
        {
            queue.Dispose();
        }
    }
}
