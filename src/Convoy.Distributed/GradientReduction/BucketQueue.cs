using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Convoy.Distributed.GradientReduction;

/// <summary>
/// The buckets of a backward pass: notes when the gradients of each have arrived, and averages them one after the other, in their
/// order, each when it is ready: on a thread of its own while backward runs, and what remains then on the caller's.
/// </summary>
/// <remarks>
/// Another thread looks about thirty times in a pass. Where each rank computes on every core that it has, a look puts the rank's own thread aside, or makes the system move it to another
/// rank's core: four times as many looks took 1 % of a core in steps of 0.3 s. It is not the one that averages, so that a slow exchange does not keep it from seeing when later buckets are ready. Versions of tensors
/// tell it, so that this works wherever libtorch does, with and without callbacks from a backward pass.
/// </remarks>
internal sealed class BucketQueue : IDisposable
{
    private readonly object _gate = new();
    private readonly string _name;
    private readonly Action<GradientBucket> _reduce;
    private IReadOnlyList<GradientBucket> _buckets = [];
    private long[] _ready = [];
    private long[] _exchanged = [];
    private Thread? _looking;
    private Thread? _averaging;
    private ExceptionDispatchInfo? _error;
    private long _start;
    private int _next;
    private int _intervalMilliseconds = 1;
    private bool _isLooking;
    private bool _isOpen;
    private bool _isBusy;
    private bool _closed;

    /// <param name="name">Names the threads.</param>
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
    /// <param name="expected">About how long it will take.</param>
    /// <param name="start">The time stamp of when it began.</param>
    public void Begin(IReadOnlyList<GradientBucket> buckets, bool overlap, TimeSpan expected, long start)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            _buckets = buckets;
            _ready = new long[buckets.Count];
            _exchanged = new long[buckets.Count];
            _start = start;
            _next = 0;
            _error = null;

            // Late enough to cost nothing and early enough to hide nearly all.
            _intervalMilliseconds = (int)Math.Clamp(expected.TotalMilliseconds / 32, 1, 20);
            _isLooking = true;
            _isOpen = overlap;
            _looking ??= Start(Look, "ready");
            if (overlap)
            {
                _averaging ??= Start(Average, "average");
            }

            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>All gradients are there.</summary>
    public void Computed()
    {
        lock (_gate)
        {
            _isLooking = false;
        }
    }

    /// <summary>Averages what remains, and throws what went wrong before.</summary>
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
            int index = _next++;
            _reduce(_buckets[index]);
            _exchanged[index] = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>The pass failed: takes no other bucket. One that was begun goes on.</summary>
    public void Cancel()
    {
        lock (_gate)
        {
            _isLooking = false;
            _isOpen = false;
        }
    }

    /// <summary>The buckets of the pass that is over.</summary>
    /// <param name="computed">When all gradients were there: a bucket that was not seen ready before was then.</param>
    /// <param name="hasExchanged">Whether ranks averaged.</param>
    public BucketTiming[] Measure(long computed, bool hasExchanged)
    {
        lock (_gate)
        {
            var timings = new BucketTiming[_buckets.Count];
            for (int i = 0; i < timings.Length; i++)
            {
                long ready = _ready[i] == 0 ? computed : Math.Min(_ready[i], computed);
                timings[i] = new BucketTiming(_buckets[i].Bytes, Seconds(ready), hasExchanged && _exchanged[i] != 0 ? Seconds(_exchanged[i]) : null);
            }

            return timings;
        }
    }

    /// <summary>Ends the threads and returns when they have ended.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }

        _looking?.Join();
        _averaging?.Join();
    }

    private double Seconds(long timestamp) => Stopwatch.GetElapsedTime(_start, timestamp).TotalSeconds;

    private Thread Start(ThreadStart run, string role)
    {
        var thread = new Thread(run) { IsBackground = true, Name = $"{_name} {role}" };
        thread.Start();
        return thread;
    }

    private void Look()
    {
        lock (_gate)
        {
            while (!_closed)
            {
                bool isDone = !_isLooking || NoteArrivals();
                Monitor.Wait(_gate, isDone ? Timeout.Infinite : _intervalMilliseconds);
            }
        }
    }

    // Whether all buckets are ready.
    private bool NoteArrivals()
    {
        bool all = true;
        for (int i = 0; i < _buckets.Count; i++)
        {
            if (_ready[i] == 0 && _buckets[i].HasArrived())
            {
                _ready[i] = Stopwatch.GetTimestamp();
                if (i == _next)
                {
                    Monitor.PulseAll(_gate);
                }
            }

            all &= _ready[i] != 0;
        }

        return all;
    }

    private void Average()
    {
        while (Take() is { } index)
        {
            ExceptionDispatchInfo? error = null;
            try
            {
                _reduce(_buckets[index]);
            }
#pragma warning disable CA1031 // Kept and thrown by Finish, on the caller's thread.
            catch (Exception thrown)
#pragma warning restore CA1031
            {
                error = ExceptionDispatchInfo.Capture(thrown);
            }

            lock (_gate)
            {
                _exchanged[index] = error is null ? Stopwatch.GetTimestamp() : 0;
                _error = error;
                _isOpen &= error is null;
                _isBusy = false;
                Monitor.PulseAll(_gate);
            }
        }
    }

    private int? Take()
    {
        lock (_gate)
        {
            while (!_closed)
            {
                if (_isOpen && _next < _buckets.Count && _ready[_next] != 0)
                {
                    _isBusy = true;
                    return _next++;
                }

                Monitor.Wait(_gate);
            }

            return null;
        }
    }
}
