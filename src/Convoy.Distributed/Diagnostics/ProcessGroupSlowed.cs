using System.Diagnostics;

namespace Convoy.Distributed.Diagnostics;

/// <summary>
/// A process group whose operations take as long as over a slower link, for trying out what a network would cost: after each
/// operation it sleeps for the latency and for the time in which the link would carry the bytes with the best algorithm (a ring).
/// </summary>
/// <remarks>
/// It sleeps rather than computes, so the processor is free for backward, as with a real network card.
/// <see cref="ProcessGroups.FromEnvironment"/> makes it when <c>CONVOY_LINK_GBPS</c> or <c>CONVOY_LINK_LATENCY_MS</c> is set.
/// </remarks>
public sealed class ProcessGroupSlowed : ProcessGroupDecorator
{
    private readonly TimeSpan _latency;
    private readonly double _gigabitsPerSecond;
    private readonly ManualResetEventSlim _never = new(initialState: false, spinCount: 0);
    private TimeSpan _owed;

    /// <summary>Slows <paramref name="inner"/> down; all ranks do, with the same values.</summary>
    /// <param name="inner">The group that does the work; disposed with this one.</param>
    /// <param name="latency">What every operation takes at least; from 0.</param>
    /// <param name="gigabitsPerSecond">What the link of a rank carries in each direction, 10^9 bits per second; above 0, infinite for no limit.</param>
    public ProcessGroupSlowed(ProcessGroup inner, TimeSpan latency, double gigabitsPerSecond)
        : base(inner)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(latency, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(gigabitsPerSecond);
        _latency = latency;
        _gigabitsPerSecond = gigabitsPerSecond;
    }

    /// <summary>What <paramref name="operation"/> takes at least among <paramref name="size"/> ranks.</summary>
    public TimeSpan Duration(Operation operation, int size)
    {
        ArgumentNullException.ThrowIfNull(operation);
        double others = size - 1;
        double shares = operation.Kind switch
        {
            OperationKind.AllReduce => 2 * others / size,
            OperationKind.AllToAll => others / size,
            OperationKind.Broadcast or OperationKind.Reduce or OperationKind.Send or OperationKind.Receive => 1,
            OperationKind.AllGather or OperationKind.Gather or OperationKind.Scatter or OperationKind.ReduceScatter => others,
            _ => 0,
        };
        return operation.Kind is OperationKind.AllocateBuffer or OperationKind.AllocateShared or OperationKind.NewGroup || size == 1
            ? TimeSpan.Zero
            : _latency + TimeSpan.FromSeconds(shares * operation.Bytes * 8 / (_gigabitsPerSecond * 1e9));
    }

    /// <inheritdoc/>
    protected override void Forward(Operation operation, Action run)
    {
        ArgumentNullException.ThrowIfNull(run);
        run();
        Rest(Duration(operation, Size));
    }

    /// <inheritdoc/>
    protected override ProcessGroup Wrap(ProcessGroup inner, IReadOnlyList<int> ranks) => new ProcessGroupSlowed(inner, _latency, _gigabitsPerSecond);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _never.Dispose();
    }

    // A sleep counts in whole milliseconds, and a wake-up comes late: what is too much or too little goes to the next one.
    private void Rest(TimeSpan duration)
    {
        TimeSpan sleep;
        lock (_never)
        {
            _owed += duration;
            sleep = TimeSpan.FromMilliseconds(Math.Floor(Math.Max(0, _owed.TotalMilliseconds)));
            _owed -= sleep;
        }

        if (sleep > TimeSpan.Zero)
        {
            long start = Stopwatch.GetTimestamp();
            _never.Wait(sleep);
            lock (_never)
            {
                _owed -= Stopwatch.GetElapsedTime(start) - sleep;
            }
        }
    }
}
