using System.Diagnostics;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// Waits for words of shared memory that other ranks write: first spinning for some microseconds, then asleep, so that ranks
/// that share a core do not take it from the one they wait for. A long wait looks whether the awaited ranks can still come.
/// </summary>
internal sealed unsafe class PeerWatch
{
    /// <summary>Stands for "every rank that has not arrived at the barrier".</summary>
    public const int AllRanks = -1;

    // Enough for ranks that arrive together; a context switch costs about as much.
    private static readonly TimeSpan SpinTime = TimeSpan.FromMicroseconds(50);
    private static readonly TimeSpan SleepSlice = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan TimeToLookAfterPeers = TimeSpan.FromSeconds(1);

    private readonly ControlBlock _control;
    private readonly IPlatform _platform;
    private readonly int _rank;
    private readonly int _size;
    private readonly Func<TimeSpan> _timeout;
    private readonly RankNames _names;
    private readonly Func<bool> _isDisposing;
    private readonly bool _spins;
    private readonly bool[] _visible;

    /// <param name="control">The group's memory.</param>
    /// <param name="platform">How to sleep and to look after processes.</param>
    /// <param name="rank">This rank.</param>
    /// <param name="size">The number of ranks.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="names">What the ranks are called in errors.</param>
    /// <param name="isDisposing">Whether this process leaves the group, so that waiting has no purpose any more.</param>
    public PeerWatch(ControlBlock control, IPlatform platform, int rank, int size, Func<TimeSpan> timeout, RankNames names, Func<bool> isDisposing)
    {
        _names = names;
        _control = control;
        _platform = platform;
        _rank = rank;
        _size = size;
        _timeout = timeout;
        _isDisposing = isDisposing;
        _visible = new bool[size];
        // Where ranks outnumber cores, a spinning rank keeps the awaited one from running.
        _spins = size <= Environment.ProcessorCount;
    }

    /// <summary>Notes which ranks' processes can be watched. Call it once, when all ranks have written their slots.</summary>
    public void Begin()
    {
        for (int rank = 0; rank < _size; rank++)
        {
            _visible[rank] = Identity(rank).IsVisible(_platform);
        }
    }

    /// <summary>The ranks that have not arrived at the last barrier that this one arrived at.</summary>
    public int[] Missing()
    {
        int arrived = Volatile.Read(ref _control.Slot(_rank)->Arrived);
        return [.. Enumerable.Range(0, _size).Where(rank => Volatile.Read(ref _control.Slot(rank)->Arrived) - arrived < 0)];
    }

    /// <summary>Returns when <paramref name="word"/> is no longer <paramref name="value"/>.</summary>
    /// <param name="word">A word that another rank writes.</param>
    /// <param name="value">What it was.</param>
    /// <param name="sleepers">Counts who sleeps at the word, so that its writer need not wake anybody in vain.</param>
    /// <param name="peer">The rank that writes it, or <see cref="AllRanks"/>.</param>
    /// <param name="operation">What to call the operation in an error.</param>
    /// <param name="more">How much longer than the group's timeout to wait.</param>
    /// <exception cref="CollectiveTimeoutException">It was not written in time.</exception>
    /// <exception cref="PeerLostException">The rank that should write it ended or left.</exception>
    /// <exception cref="ObjectDisposedException">This process leaves the group.</exception>
    public void WaitWhile(int* word, int value, int* sleepers, int peer, string operation, TimeSpan more = default)
    {
        long start = Stopwatch.GetTimestamp();
        do
        {
            for (int i = 0; i < 32; i++)
            {
                if (Volatile.Read(ref *word) != value)
                {
                    return;
                }

                Thread.SpinWait(4);
            }
        }
        while (_spins && Stopwatch.GetElapsedTime(start) < SpinTime);
        Sleep(word, value, sleepers, peer, operation, start, _timeout() + more);
    }

    /// <summary>Wakes the ranks that sleep at <paramref name="word"/>, which was just written.</summary>
    public void Wake(int* word, int* sleepers)
    {
        // A sleeper counts itself before it looks at the word for the last time, so one of the two sees the other.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref *sleepers) > 0)
        {
            _platform.Waiter.WakeAll(word);
        }
    }

    private void Sleep(int* word, int value, int* sleepers, int peer, string operation, long start, TimeSpan limit)
    {
        Interlocked.Increment(ref *sleepers);
        try
        {
            while (Volatile.Read(ref *word) == value)
            {
                TimeSpan left = limit - Stopwatch.GetElapsedTime(start);
                _platform.Waiter.Wait(word, value, left < SleepSlice ? TimeSpan.FromTicks(Math.Max(1, left.Ticks)) : SleepSlice);
                // Whoever wrote the word may end or leave right after: the reason counts only while the word has not been written.
                if (Volatile.Read(ref *word) == value && ReasonToGiveUp(Stopwatch.GetElapsedTime(start), limit, peer, operation) is { } reason && Volatile.Read(ref *word) == value)
                {
                    throw reason;
                }
            }
        }
        finally
        {
            Interlocked.Decrement(ref *sleepers);
        }
    }

    private Exception? ReasonToGiveUp(TimeSpan waited, TimeSpan limit, int peer, string operation)
    {
        if (_isDisposing())
        {
            return new ObjectDisposedException(nameof(ProcessGroup), $"{operation}: the process group was disposed while this waited for other ranks.");
        }

        int[] missing = peer == AllRanks ? Missing() : [peer];
        int[] awaited = missing.Length > 0 ? missing : [.. Enumerable.Range(0, _size).Where(rank => rank != _rank)];
        // A rank that has joined a collective operation may have given up since: then the operation cannot end on any rank.
        int[] concerned = peer == AllRanks ? [.. Enumerable.Range(0, _size).Where(rank => rank != _rank)] : [peer];
        int failed = Array.FindIndex(concerned, HasFailed), left = Array.FindIndex(awaited, HasLeft);
        if (failed >= 0 || left >= 0 || waited >= TimeToLookAfterPeers || waited >= limit)
        {
            // A process that has ended is a cause; that another rank has given up or left may follow from it.
            int ended = Array.FindIndex(concerned, rank => !HasFailed(rank) && !HasLeft(rank) && _visible[rank] && Identity(rank).HasEnded(_platform));
            if (ended >= 0)
            {
                return Lost(operation, concerned[ended], hasLeft: false);
            }
        }

        if (failed >= 0)
        {
            int rank = concerned[failed];
            return FailureNote.ToError(&_control.Slot(rank)->Failure, operation, rank, _rank, _control, _timeout(), _names);
        }

        if (left >= 0)
        {
            return Lost(operation, awaited[left], hasLeft: true);
        }

        if (waited < limit)
        {
            return null;
        }

        int[] stopped = [.. awaited.Where(rank => Identity(rank).IsStopped(_platform))];
        return new CollectiveTimeoutException(operation, _names.Of(awaited), limit, stopped.Length == 0 ? null : RankList.DescribeStopped(_names[stopped[0]], _control.Slot(stopped[0])->ProcessId));
    }

    private PeerLostException Lost(string operation, int rank, bool hasLeft) => new(operation, _names[rank], _control.Slot(rank)->ProcessId, hasLeft, _control.Slot(rank)->OperationsWhenLeft);

    private bool HasFailed(int rank) => FailureNote.IsSet(&_control.Slot(rank)->Failure);

    private bool HasLeft(int rank) => Volatile.Read(ref _control.Slot(rank)->Left) != 0;

    private ProcessIdentity Identity(int rank) => new(_control.Slot(rank)->ProcessId, _control.Slot(rank)->ProcessStart);
}
