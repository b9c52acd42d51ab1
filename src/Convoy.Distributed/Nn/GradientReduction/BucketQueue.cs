using System.Runtime.ExceptionServices;

namespace Convoy.Distributed.Nn.GradientReduction;

/// <summary>
/// Averages the buckets of a backward pass one after the other, in their order, each when its gradients have arrived: on a thread
/// of its own while backward runs, and what remains then on the caller's.
/// </summary>
/// <remarks>
/// The thread looks about a hundred times in a pass, at most once a millisecond, which costs some microseconds. No callback runs
/// inside libtorch, so no graph is changed and no exception can meet libtorch's frames.
/// </remarks>
internal sealed class BucketQueue : IDisposable
{
    private readonly object _gate = new();
    private readonly string _name;
    private readonly Action<GradientBucket> _reduce;
    private IReadOnlyList<GradientBucket> _buckets = [];
    private Thread? _thread;
    private ExceptionDispatchInfo? _error;
    private int _next;
    private int _intervalMilliseconds = 1;
    private bool _isOpen;
    private bool _isBusy;
    private bool _closed;

    /// <param name="name">Names the thread.</param>
    /// <param name="reduce">Averages a bucket; from either thread, one bucket at a time.</param>
    public BucketQueue(string name, Action<GradientBucket> reduce) => (_name, _reduce) = (name, reduce);

    /// <summary>How many buckets of the present pass were taken.</summary>
    public int Taken
    {
        get
        {
            lock (_gate)
            {
                return _next;
            }
        }
    }

    /// <summary>A backward pass begins.</summary>
    /// <param name="buckets">Its buckets.</param>
    /// <param name="overlap">Whether to begin before <see cref="Finish"/>.</param>
    /// <param name="expected">How long it will about take.</param>
    public void Begin(IReadOnlyList<GradientBucket> buckets, bool overlap, TimeSpan expected)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            _buckets = buckets;
            _next = 0;
            _error = null;

            // A hundredth of the pass is late enough to cost nothing and early enough to hide nearly all.
            _intervalMilliseconds = (int)Math.Clamp(expected.TotalMilliseconds / 128, 1, 10);
            _isOpen = overlap;
            if (overlap && _thread is null)
            {
                _thread = new Thread(Loop) { IsBackground = true, Name = _name };
                _thread.Start();
            }

            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>All gradients are there: averages what remains, and throws what went wrong before.</summary>
    public void Finish()
    {
        lock (_gate)
        {
            _isOpen = false;
            while (_isBusy)
            {
                Monitor.Wait(_gate);
            }
        }

        _error?.Throw();
        while (_next < _buckets.Count)
        {
            _reduce(_buckets[_next++]);
        }
    }

    /// <summary>The pass failed: takes no other bucket. One that was begun goes on.</summary>
    public void Cancel()
    {
        lock (_gate)
        {
            _isOpen = false;
        }
    }

    /// <summary>Ends the thread and returns when it has ended.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }

        _thread?.Join();
    }

    private void Loop()
    {
        while (Take() is { } bucket)
        {
            ExceptionDispatchInfo? error = null;
            try
            {
                _reduce(bucket);
            }
#pragma warning disable CA1031 // Kept and thrown by Finish, on the caller's thread.
            catch (Exception thrown)
#pragma warning restore CA1031
            {
                error = ExceptionDispatchInfo.Capture(thrown);
            }

            lock (_gate)
            {
                _error = error;
                _isOpen &= error is null;
                _isBusy = false;
                Monitor.PulseAll(_gate);
            }
        }
    }

    private GradientBucket? Take()
    {
        lock (_gate)
        {
            while (!_closed)
            {
                bool waits = _isOpen && _next < _buckets.Count;
                if (waits && _buckets[_next].HasArrived())
                {
                    _isBusy = true;
                    return _buckets[_next++];
                }

                Monitor.Wait(_gate, waits ? _intervalMilliseconds : Timeout.Infinite);
            }

            return null;
        }
    }
}
