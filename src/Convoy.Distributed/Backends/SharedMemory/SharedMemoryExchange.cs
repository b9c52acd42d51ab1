namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// What every collective operation is made of: rounds in which ranks write areas, meet, and read areas. The areas of even and
/// odd rounds differ, so a rank may write those of the next round while others still read the present ones; they have read them
/// when all meet again. The first meeting of an operation makes sure that all ranks call the same.
/// </summary>
internal sealed unsafe class SharedMemoryExchange(ControlBlock control, IBarrier barrier, int rank, int size, RankNames names, Action allArrived)
{
    private SharedOperation _call;
    private string _operation = "";
    private bool _first;
    private bool _evenCall;
    private bool _evenRound;

    public int Rank => rank;

    public int Size => size;

    /// <summary>A rank's area of the present round, or of the next one.</summary>
    public byte* Area(int rank, bool next = false) => control.Area(rank, _evenRound ^ next);

    /// <summary>Begins an operation. This rank's areas of the first round may be written from now on.</summary>
    /// <param name="operation">What this rank was asked for.</param>
    /// <param name="buffer">In which of the group's buffers its tensor lies; <see cref="SharedOperation.None"/>: in ordinary memory.</param>
    /// <param name="offset">Where in that buffer, in bytes.</param>
    public void Begin(Operation operation, int buffer = SharedOperation.None, long offset = SharedOperation.None)
    {
        _call = new SharedOperation(new CallSignature(operation), buffer, offset);
        _operation = operation.Name;
        _first = true;
        _evenCall = !_evenCall;
        *Call(rank) = _call;
    }

    /// <summary>Waits for all ranks.</summary>
    /// <param name="more">How much longer than the group's timeout, where a rank may still wait for others that are not in the group.</param>
    /// <exception cref="CollectiveMismatchException">A rank called something else.</exception>
    public void Meet(TimeSpan more = default)
    {
        barrier.Wait(_operation, more);
        if (_first)
        {
            _first = false;
            allArrived();
            RequireSameCalls();
        }
    }

    /// <summary>Ends a round: this rank has read all that it needs of it.</summary>
    public void NextRound() => _evenRound = !_evenRound;

    private void RequireSameCalls()
    {
        for (int other = 0; other < size; other++)
        {
            if (*Call(other) != _call)
            {
                throw CollectiveMismatchException.Between(names[rank], $"{_call}", names[other], $"{*Call(other)}");
            }
        }
    }

    private SharedOperation* Call(int rank) => _evenCall ? &control.Slot(rank)->EvenCall : &control.Slot(rank)->OddCall;
}

/// <summary>Lets the ranks of a group wait for each other. A test puts a wrong one in its place, to see that its checks would notice.</summary>
internal interface IBarrier
{
    /// <summary>Returns when all ranks have called it as often as this one.</summary>
    /// <param name="operation">What to call the operation in an error.</param>
    /// <param name="more">How much longer than the group's timeout to wait.</param>
    /// <exception cref="CollectiveTimeoutException">Some ranks did not come.</exception>
    /// <exception cref="PeerLostException">A rank that has not come ended or left.</exception>
    void Wait(string operation, TimeSpan more = default);
}

/// <summary>Makes a group's barrier over the group's memory.</summary>
internal delegate IBarrier BarrierFactory(ControlBlock control, PeerWatch watch, int rank, int size);

/// <summary>Lets the ranks wait for each other.</summary>
internal sealed unsafe class SharedMemoryBarrier : IBarrier
{
    // More than there can be ranks: with it taken away, the arrivals of a barrier never add up.
    private const int Withdrawal = 1 << 16;

    private readonly ControlBlock _control;
    private readonly PeerWatch _watch;
    private readonly int _rank;
    private readonly int _size;
    private int _generation;

    public SharedMemoryBarrier(ControlBlock control, PeerWatch watch, int rank, int size)
    {
        _control = control;
        _watch = watch;
        _rank = rank;
        _size = size;
    }

    /// <inheritdoc/>
    public void Wait(string operation, TimeSpan more = default)
    {
        int before = _generation;
        int now = unchecked(before + 1);
        _generation = now;
        Volatile.Write(ref _control.Slot(_rank)->Arrived, now);
        if (Interlocked.Increment(ref *_control.Arrivals) == _size)
        {
            // The next barrier's arrivals start only after the generation is out.
            Interlocked.Add(ref *_control.Arrivals, -_size);
            Volatile.Write(ref *_control.Generation, now);
            _watch.Wake(_control.Generation, _control.Sleepers);
            return;
        }

        try
        {
            _watch.WaitWhile(_control.Generation, before, _control.Sleepers, PeerWatch.AllRanks, operation, more);
        }
        catch
        {
            if (IsWithdrawn(before))
            {
                throw;
            }
        }
    }

    // A rank that comes after this one gave up must not find all there and go on alone.
    private bool IsWithdrawn(int generation)
    {
        Interlocked.Add(ref *_control.Arrivals, -Withdrawal);
        if (Volatile.Read(ref *_control.Generation) == generation)
        {
            return true;
        }

        // All came at the last moment. What was counted is the next barrier, which cannot end without this rank.
        Interlocked.Add(ref *_control.Arrivals, Withdrawal);
        return false;
    }
}
