using System.Diagnostics;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>The ranks of a group as this rank knows them: which processes they are, which have left or failed. Tells whether waiting for some of them has a purpose.</summary>
internal sealed class MpiPeers
{
    /// <summary>Stands for "every rank of the group".</summary>
    public const int AllRanks = -1;

    // Looking into the system's table of processes costs a few microseconds each.
    private static readonly TimeSpan TimeToLookAfterProcesses = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan TimeToSuspect = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan TimeBetweenLooks = TimeSpan.FromMilliseconds(2);

    /// <summary>
    /// How long a rank on another machine may show no sign of life while it is waited for. Longer than what a network takes to come back after its cable was pulled out and put in again.
    /// </summary>
    public static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(60);

    // A message of a rank that has left may still be on its way.
    private static readonly TimeSpan TimeForLastMessages = TimeSpan.FromSeconds(2);

    private readonly IProcessTable _processes = IProcessTable.Current;
    private readonly MpiProcess[] _members;
    private readonly PeerEvent?[] _left;
    private readonly PeerEvent?[] _failed;
    private readonly long[] _leftSince;
    private readonly RankNames _names;
    private readonly int _rank;
    private readonly Func<TimeSpan> _timeout;
    private readonly Func<bool> _isDisposing;
    private readonly bool[] _silent;
    private DistributedException? _storeLost;
    private long _storeLostSince;
    private int[] _suspects = [];

    /// <param name="members">The processes, by rank in the group.</param>
    /// <param name="names">What they are called in errors.</param>
    /// <param name="rank">This rank.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="isDisposing">Whether this process leaves the group.</param>
    public MpiPeers(MpiProcess[] members, RankNames names, int rank, Func<TimeSpan> timeout, Func<bool> isDisposing)
    {
        _members = members;
        _names = names;
        _left = new PeerEvent?[members.Length];
        _failed = new PeerEvent?[members.Length];
        _leftSince = new long[members.Length];
        _silent = new bool[members.Length];
        _rank = rank;
        _timeout = timeout;
        _isDisposing = isDisposing;
        int here = members.Count(member => member.IsNear(_processes));
        AreCrowded = here > Environment.ProcessorCount;
    }

    /// <summary>Whether more ranks than cores share this machine: then a rank that waits lets others have its core at once.</summary>
    public bool AreCrowded { get; }

    /// <summary>How long a rank that waits looks again and again before it sleeps between two looks.</summary>
    public TimeSpan SpinTime => AreCrowded ? TimeSpan.FromMicroseconds(50) : TimeSpan.FromMicroseconds(500);

    /// <summary>The present operation's number in the group, from 1.</summary>
    public long Operation { get; set; }

    public MpiProcess this[int rank] => _members[rank];

    /// <summary>What the ranks are called in errors.</summary>
    public RankNames Names => _names;

    /// <summary>Another rank has told of itself.</summary>
    public void Hear(PeerEvent told)
    {
        if (told.Rank < 0 || told.Rank >= _members.Length || told.Rank == _rank)
        {
            return;
        }

        if (told.Failure is null)
        {
            _leftSince[told.Rank] = Environment.TickCount64;
            Volatile.Write(ref _left[told.Rank], told);
        }
        else
        {
            Volatile.Write(ref _failed[told.Rank], told);
        }
    }

    /// <summary>Returns when all other ranks have left or failed, at the latest after <paramref name="limit"/>.</summary>
    /// <param name="limit">How long to wait.</param>
    /// <param name="meanwhile">Called again and again.</param>
    public void AwaitDepartures(TimeSpan limit, Action meanwhile)
    {
        using var pause = new ManualResetEventSlim();
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < limit && Enumerable.Range(0, _members.Length).Any(rank => rank != _rank && Departure(rank, "") is null && !_members[rank].HasEnded(_processes)))
        {
            meanwhile();
            pause.Wait(TimeBetweenLooks);
        }
    }

    /// <summary>The ranks on other machines that have been waited for for some seconds: whether they live is worth a question.</summary>
    public IReadOnlyList<int> Suspects => Volatile.Read(ref _suspects);

    /// <summary>A suspect has shown no sign of life for <see cref="LongestSilence"/>.</summary>
    public void HearNothing(int rank) => Volatile.Write(ref _silent[rank], true);

    /// <summary>The store, by which ranks tell of themselves, does not answer.</summary>
    /// <param name="error">What it says.</param>
    /// <param name="isCertain">Whether its process has ended; otherwise it may come back.</param>
    public void LoseStore(DistributedException error, bool isCertain)
    {
        _storeLostSince = Environment.TickCount64 - (isCertain ? (long)LongestSilence.TotalMilliseconds : 0);
        Volatile.Write(ref _storeLost, error);
    }

    /// <summary>The error that a rank has left or given up; null: it has not.</summary>
    public DistributedException? Departure(int rank, string operation) =>
        Volatile.Read(ref _failed[rank]) is { } failed ? ErrorOf(failed, operation)
        : Volatile.Read(ref _left[rank]) is { } left ? Lost(operation, rank, left)
        : null;

    /// <summary>Why it has no purpose to wait on; null: it has.</summary>
    /// <param name="waited">How long the operation has waited.</param>
    /// <param name="awaited">The messages that are awaited.</param>
    /// <param name="peer">The only rank that the operation depends on, or <see cref="AllRanks"/>.</param>
    /// <param name="operation">What to call it.</param>
    public Exception? ReasonToGiveUp(TimeSpan waited, RequestSet awaited, int peer, string operation)
    {
        if (_isDisposing())
        {
            return new ObjectDisposedException(nameof(ProcessGroup), $"{operation}: the process group was disposed while this waited for other ranks.");
        }

        int[] missing = peer == AllRanks ? awaited.Awaited() : [peer];
        int[] concerned = peer == AllRanks ? [.. Enumerable.Range(0, _members.Length).Where(rank => rank != _rank)] : [peer];
        if (waited >= TimeToLookAfterProcesses || waited >= _timeout())
        {
            // A process that has ended is a cause; that another rank has given up or left may follow from it.
            int ended = Array.FindIndex(concerned, rank => Volatile.Read(ref _failed[rank]) is null && Volatile.Read(ref _left[rank]) is null && _members[rank].HasEnded(_processes));
            if (ended >= 0)
            {
                return Lost(operation, concerned[ended], null);
            }
        }

        if (concerned.Select(rank => Volatile.Read(ref _failed[rank])).FirstOrDefault(failed => failed is not null) is { } failure)
        {
            return ErrorOf(failure, operation);
        }

        if (missing.Select(rank => Volatile.Read(ref _left[rank])).FirstOrDefault(left => left is not null && WillNotCome(left, peer)) is { } gone)
        {
            return Lost(operation, gone.Rank, gone);
        }

        int silent = Array.FindIndex(concerned, rank => Volatile.Read(ref _silent[rank]));
        if (silent >= 0)
        {
            return PeerLostException.Silent(operation, _names[concerned[silent]], _members[concerned[silent]].ProcessId, LongestSilence);
        }

        if (waited < _timeout())
        {
            Volatile.Write(ref _suspects, waited < TimeToSuspect ? [] : [.. missing.Where(rank => !_members[rank].IsNear(_processes))]);
            return Volatile.Read(ref _storeLost) is { } lost && Environment.TickCount64 - _storeLostSince >= LongestSilence.TotalMilliseconds ? lost : null;
        }

        int[] late = missing.Length > 0 ? missing : concerned;
        int[] stopped = [.. late.Where(rank => _members[rank].IsStopped(_processes))];
        return new CollectiveTimeoutException(operation, _names.Of(late), _timeout(), stopped.Length == 0 ? null : RankList.DescribeStopped(_names[stopped[0]], _members[stopped[0]].ProcessId));
    }

    // Of a collective operation it is known whether the rank has taken part in it before it left.
    private bool WillNotCome(PeerEvent left, int peer) =>
        peer == AllRanks ? left.Operations < Operation : Environment.TickCount64 - _leftSince[left.Rank] > TimeForLastMessages.TotalMilliseconds;

    private PeerLostException Lost(string operation, int rank, PeerEvent? left) => new(operation, _names[rank], _members[rank].ProcessId, left is not null, left?.Operations ?? 0);

    private DistributedException ErrorOf(PeerEvent failed, string operation)
    {
        // It may be because of a rank of another host, of which this group knows nothing but what it is called.
        FailureCause cause = failed.Failure!.Value;
        int member = cause.Culprit < 0 ? -1 : _names.Find(cause.Culprit);
        (int ProcessId, long Operations)? culprit = member >= 0 && member < _members.Length ? (_members[member].ProcessId, Volatile.Read(ref _left[member])?.Operations ?? 0) : null;
        return cause.ToError(operation, _names[_rank], (_names[failed.Rank], _members[failed.Rank].ProcessId), culprit, _timeout());
    }
}
