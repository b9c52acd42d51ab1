using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Convoy.Distributed;

/// <summary>
/// An operation of a process group that may still be under way (PyTorch's <c>Work</c>). Its tensors must not be read or written
/// before <see cref="Wait"/> returns. They may be disposed: the operation keeps their memory.
/// </summary>
/// <remarks>All members may be used from any thread. Time stamps are those of <see cref="Stopwatch.GetTimestamp"/>, which all processes of a machine share.</remarks>
public sealed class Work
{
    private readonly object _gate = new();
    private readonly Func<IReadOnlyList<int>> _missingRanks;
    private readonly IReadOnlyList<IDisposable> _held;
    private Func<BackendWork?>? _start;
    private BackendWork? _backendWork;
    private ExceptionDispatchInfo? _error;
    private bool _completed;

    /// <param name="operation">What is done.</param>
    /// <param name="group">The name of the group.</param>
    /// <param name="start">Does it, or starts it and returns what tells when it is done.</param>
    /// <param name="held">What to dispose when it is done.</param>
    /// <param name="missingRanks">Tells which ranks it waits for.</param>
    internal Work(Operation operation, string group, Func<BackendWork?> start, IReadOnlyList<IDisposable> held, Func<IReadOnlyList<int>> missingRanks)
    {
        Operation = operation;
        Group = group;
        _start = start;
        _held = held;
        _missingRanks = missingRanks;
        QueuedTimestamp = Stopwatch.GetTimestamp();
    }

    /// <summary>What is done.</summary>
    public Operation Operation { get; }

    /// <summary>The name of the group that does it.</summary>
    public string Group { get; }

    /// <summary>Its number among the group's collective operations, or among its messages, from 1, in the order in which they began; 0 before it began.</summary>
    public long Number { get; private set; }

    /// <summary>When it was asked for.</summary>
    public long QueuedTimestamp { get; }

    /// <summary>When this rank began it; 0 before.</summary>
    public long StartedTimestamp { get; private set; }

    /// <summary>When all ranks had begun it: until then this rank waited for the slowest, from then on data moves. 0 when the backend cannot tell or it has not happened.</summary>
    public long AllArrivedTimestamp { get; private set; }

    /// <summary>When it was done, or failed; 0 before.</summary>
    public long FinishedTimestamp { get; private set; }

    /// <summary>Whether it is done, or failed.</summary>
    public bool IsCompleted
    {
        get
        {
            lock (_gate)
            {
                return _completed;
            }
        }
    }

    /// <summary>Why it failed; null while it has not.</summary>
    public Exception? Error => _error?.SourceException;

    /// <summary>Returns when the operation is done on this rank, or, with a backend that orders its operations by itself (<see cref="BackendWork.Synchronize"/>), when whatever this thread does next comes after it.</summary>
    /// <param name="timeout">How long to wait; null: as long as the operation takes, which the group's timeout limits.</param>
    /// <exception cref="CollectiveTimeoutException">It is not done in time; it goes on.</exception>
    /// <exception cref="DistributedException">The operation failed.</exception>
    public void Wait(TimeSpan? timeout = null)
    {
        long start = Stopwatch.GetTimestamp();
        BackendWork? synchronized = null;
        while (Await(start, timeout, synchronized) is { } backendWork)
        {
            // Outside of the lock: it may take its time, or complete the operation.
            if (backendWork.Synchronize())
            {
                return;
            }

            synchronized = backendWork;
        }

        _error?.Throw();
    }

    /// <summary>It begins.</summary>
    internal void Begin(long number)
    {
        Number = number;
        StartedTimestamp = Stopwatch.GetTimestamp();
    }

    /// <summary>Does it, or starts it.</summary>
    /// <returns>What tells when it is done; null: it is done.</returns>
    internal BackendWork? Start() => _start!();

    /// <summary>The backend has started it.</summary>
    internal void Follow(BackendWork backendWork)
    {
        lock (_gate)
        {
            _backendWork = backendWork;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>All ranks have begun it.</summary>
    internal void AllArrived(long timestamp)
    {
        if (AllArrivedTimestamp == 0)
        {
            AllArrivedTimestamp = timestamp;
        }
    }

    /// <summary>It is done, but those who wait go on waiting until <see cref="Complete"/>.</summary>
    internal void Conclude(Exception? error)
    {
        FinishedTimestamp = Stopwatch.GetTimestamp();
        _error = error is null ? null : ExceptionDispatchInfo.Capture(error);
        foreach (IDisposable held in _held)
        {
            held.Dispose();
        }
    }

    /// <summary>Wakes those who wait.</summary>
    internal void Complete()
    {
        lock (_gate)
        {
            _start = null;
            _completed = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>It failed before it began.</summary>
    internal void Abandon(Exception error)
    {
        Conclude(error);
        Complete();
    }

    /// <summary>The error of an operation whose ranks did not arrive within <paramref name="timeout"/>.</summary>
    internal CollectiveTimeoutException TimedOut(TimeSpan timeout) => new(Operation.ToString(), _missingRanks(), timeout);

    // Null when it is done; before, what the backend has started, once.
    private BackendWork? Await(long start, TimeSpan? timeout, BackendWork? synchronized)
    {
        lock (_gate)
        {
            while (!_completed && _backendWork == synchronized)
            {
                TimeSpan left = timeout is { } limit ? limit - Stopwatch.GetElapsedTime(start) : Timeout.InfiniteTimeSpan;
                if (timeout is not null && left <= TimeSpan.Zero)
                {
                    throw TimedOut(timeout.Value);
                }

                // A monitor counts in whole milliseconds; rounding up lets the loop end.
                Monitor.Wait(_gate, timeout is null ? left : TimeSpan.FromMilliseconds(Math.Min(int.MaxValue, Math.Ceiling(left.TotalMilliseconds))));
            }

            return _completed ? null : _backendWork;
        }
    }
}

/// <summary>
/// An operation that a backend has started and handed back to its group: a request of MPI, an event on a stream of NCCL. The
/// backend says when it is done, from whichever thread learns it. Until then the group starts the operations that come after it.
/// </summary>
/// <remarks>
/// The group tells its observers, limits the time and, when it is disposed or the time is over, completes the work with the
/// error; <see cref="ProcessGroup.OnFailed"/> is where a backend aborts what is still under way then.
/// </remarks>
public class BackendWork
{
    private readonly Lock _gate = new();
    private Action<Exception?>? _onCompleted;
    private Exception? _error;
    private bool _completed;

    /// <summary>Whether <see cref="Complete"/> was called.</summary>
    public bool IsCompleted
    {
        get
        {
            lock (_gate)
            {
                return _completed;
            }
        }
    }

    /// <summary>Says that the operation is done, or failed. From any thread; only the first call counts.</summary>
    /// <param name="error">Why it failed; null: it is done.</param>
    public void Complete(Exception? error = null)
    {
        Action<Exception?>? onCompleted;
        lock (_gate)
        {
            if (_completed)
            {
                return;
            }

            (_completed, _error, onCompleted) = (true, error, _onCompleted);
        }

        onCompleted?.Invoke(error);
    }

    /// <summary>
    /// Called on a thread that waits for the operation, before it waits. A backend that can order operations without blocking (a stream that
    /// waits for an event) does so here and returns true: then <see cref="Work.Wait"/> returns at once. It may also make progress and
    /// call <see cref="Complete"/>. Default: false, the thread blocks until the work is complete.
    /// </summary>
    protected internal virtual bool Synchronize() => false;

    /// <summary>Has <paramref name="action"/> called once, at once when the work is complete already.</summary>
    internal void OnCompleted(Action<Exception?> action)
    {
        lock (_gate)
        {
            if (!_completed)
            {
                _onCompleted = action;
                return;
            }
        }

        action(_error);
    }
}

/// <summary>
/// Told of each operation of a process group: a recorder, a trace. It is called on the thread that runs the operation, or completes
/// it; for messages between two ranks on several threads at once. It must be quick and not call the group.
/// </summary>
public interface IOperationObserver
{
    /// <summary>An operation begins on this rank.</summary>
    void Started(Work work);

    /// <summary>An operation is done or failed (<see cref="Work.Error"/>). Those who wait for it go on only afterwards.</summary>
    void Finished(Work work);
}
