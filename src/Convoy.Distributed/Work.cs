using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Convoy.Distributed;

/// <summary>
/// An operation of a process group on its way (PyTorch's <c>Work</c>). Its tensors must not be read or written before
/// <see cref="Wait"/> returns. They may be disposed: the operation keeps their memory.
/// </summary>
/// <remarks>All members may be used from any thread. Time stamps are those of <see cref="Stopwatch.GetTimestamp"/>, which all processes of a machine share.</remarks>
public sealed class Work
{
    private readonly object _gate = new();
    private readonly Func<IReadOnlyList<int>> _missingRanks;
    private readonly IReadOnlyList<IDisposable> _held;
    private Action? _body;
    private ExceptionDispatchInfo? _error;
    private bool _completed;

    /// <param name="operation">What is done.</param>
    /// <param name="group">The name of the group.</param>
    /// <param name="body">Does it.</param>
    /// <param name="held">What to dispose when it is done.</param>
    /// <param name="missingRanks">Tells which ranks it waits for.</param>
    internal Work(Operation operation, string group, Action body, IReadOnlyList<IDisposable> held, Func<IReadOnlyList<int>> missingRanks)
    {
        Operation = operation;
        Group = group;
        _body = body;
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

    /// <summary>Returns when the operation is done on this rank.</summary>
    /// <param name="timeout">How long to wait; null: as long as the operation takes, which the group's time-out limits.</param>
    /// <exception cref="CollectiveTimeoutException">It is not done in time; it goes on.</exception>
    /// <exception cref="DistributedException">The operation failed.</exception>
    public void Wait(TimeSpan? timeout = null)
    {
        long start = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            while (!_completed)
            {
                TimeSpan left = timeout is { } limit ? limit - Stopwatch.GetElapsedTime(start) : System.Threading.Timeout.InfiniteTimeSpan;
                if (timeout is not null && left <= TimeSpan.Zero)
                {
                    throw new CollectiveTimeoutException(Operation.ToString(), _missingRanks(), timeout.Value);
                }

                // A monitor counts in whole milliseconds; rounding up lets the loop end.
                Monitor.Wait(_gate, timeout is null ? left : TimeSpan.FromMilliseconds(Math.Min(int.MaxValue, Math.Ceiling(left.TotalMilliseconds))));
            }
        }

        _error?.Throw();
    }

    /// <summary>Says that it begins.</summary>
    internal void Begin(long number)
    {
        Number = number;
        StartedTimestamp = Stopwatch.GetTimestamp();
    }

    /// <summary>Does it.</summary>
    internal void Execute() => _body!();

    /// <summary>Says that all ranks have begun it.</summary>
    internal void AllArrived(long timestamp)
    {
        if (AllArrivedTimestamp == 0)
        {
            AllArrivedTimestamp = timestamp;
        }
    }

    /// <summary>Says that it is done; who waits still waits.</summary>
    internal void Conclude(Exception? error)
    {
        FinishedTimestamp = Stopwatch.GetTimestamp();
        _error = error is null ? null : ExceptionDispatchInfo.Capture(error);
        foreach (IDisposable held in _held)
        {
            held.Dispose();
        }
    }

    /// <summary>Wakes who waits.</summary>
    internal void Complete()
    {
        lock (_gate)
        {
            _body = null;
            _completed = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Says that it is done, and wakes who waits.</summary>
    internal void Finish(Exception? error)
    {
        Conclude(error);
        Complete();
    }
}

/// <summary>
/// Is told of each operation of a process group: a recorder, a trace. Called on the thread that runs the operation, for
/// messages between two ranks on several threads at once; it must be quick and not call the group.
/// </summary>
public interface IOperationObserver
{
    /// <summary>An operation begins on this rank.</summary>
    void Started(Work work);

    /// <summary>An operation is done or failed (<see cref="Work.Error"/>). Who waits for it goes on only afterwards.</summary>
    void Finished(Work work);
}
