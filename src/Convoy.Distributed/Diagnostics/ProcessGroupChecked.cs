using System.Diagnostics;
using Convoy.Distributed.Errors;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Diagnostics;

/// <summary>
/// A process group that compares, before each collective operation, what the ranks call: operation, element type, shape, how
/// elements are combined, and root (PyTorch's <c>ProcessGroupWrapper</c>). When ranks differ, each throws an error that shows
/// all sides; when a rank does not come, one that says what that rank did last.
/// </summary>
/// <remarks>
/// <see cref="ProcessGroups.FromEnvironment"/> makes it when the environment says <c>TORCH_DISTRIBUTED_DEBUG=DETAIL</c>. Every
/// operation asks the store several times, which costs a fraction of a millisecond a rank: for finding errors, not for training.
/// Messages between two ranks are not compared in advance, as a sender need not wait for its receiver; they show in what a rank
/// did last. Of <see cref="ProcessGroup.AllToAll"/>, whose sizes may differ, the element type is compared.
/// </remarks>
public sealed class ProcessGroupChecked : ProcessGroupDecorator
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan TimeToLookAfterPeers = TimeSpan.FromSeconds(1);

    // So that nobody ends, and takes a store that it may host with it, before all have read what differs.
    private static readonly TimeSpan TimeToRead = TimeSpan.FromSeconds(5);

    private readonly CallBoard _board;
    private readonly ManualResetEventSlim _pause = new();
    private long _number;

    /// <summary>Wraps <paramref name="inner"/>; all ranks do.</summary>
    /// <param name="inner">The group that does the work; disposed with this one.</param>
    /// <param name="store">The store through which the ranks tell each other what they call; stays the caller's and must outlive this group. A <see cref="PrefixStore"/> of its own when several groups share one.</param>
    public ProcessGroupChecked(ProcessGroup inner, Store store)
        : this(inner, new CallBoard(store, inner.Name, inner.Rank, [.. Enumerable.Range(0, inner.Size)])) => _board.Introduce();

    private ProcessGroupChecked(ProcessGroup inner, CallBoard board)
        : base(inner)
    {
        _board = board;
    }

    /// <inheritdoc/>
    protected override void Forward(Operation operation, string call, Action run)
    {
        if (operation.Kind is OperationKind.Send or OperationKind.Receive)
        {
            string message = $"{operation} in group {Name}";
            _board.SetActivity($"began {message}");
            run();
            _board.SetActivity($"finished {message}");
            return;
        }

        long number = ++_number;
        string what = FormattableString.Invariant($"operation {number} of group {Name}, {call},");
        _board.SetActivity($"began {what}");
        _board.Announce(number, call);
        Compare(number, call);
        run();
        _board.SetActivity($"finished {what}");
    }

    /// <inheritdoc/>
    protected override ProcessGroup Wrap(ProcessGroup inner, IReadOnlyList<int> ranks) => new ProcessGroupChecked(inner, _board.Of(inner.Name, inner.Rank, ranks));

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _pause.Dispose();
    }

    private void Compare(long number, string call)
    {
        string[] calls = new string[Size];
        long start = Stopwatch.GetTimestamp();
        for (int rank = 0; rank < Size; rank++)
        {
            calls[rank] = rank == Rank ? call : Await(rank, number, call, start);
        }

        if (CallComparison.Describe(calls, number, Name) is { } difference)
        {
            _board.AnnounceEnd(number);
            long seen = Stopwatch.GetTimestamp();
            while (Enumerable.Range(0, Size).Any(rank => !_board.HasSeenEnd(rank, number)) && Stopwatch.GetElapsedTime(seen) < TimeToRead)
            {
                _pause.Wait(LongestPause);
            }

            throw new CollectiveMismatchException(difference);
        }
    }

    private string Await(int rank, long number, string call, long start)
    {
        for (int pauseMilliseconds = 0; ; pauseMilliseconds = Math.Min(pauseMilliseconds + 1, (int)LongestPause.TotalMilliseconds))
        {
            if (_board.Find(rank, number) is { } found)
            {
                return found;
            }

            ObjectDisposedException.ThrowIf(IsDisposing, this);
            if (Inner.Departure(rank, FormattableString.Invariant($"operation {number} of group {Name}, {call}")) is { } left && _board.Find(rank, number) is null)
            {
                throw left;
            }

            TimeSpan waited = Stopwatch.GetElapsedTime(start);
            if (waited > TimeToLookAfterPeers && _board.HasEnded(rank) is { } processId && _board.Find(rank, number) is null)
            {
                throw new PeerLostException(FormattableString.Invariant($"operation {number} of group {Name}, {call}"), rank, processId, leftGroup: false);
            }

            if (waited > Timeout)
            {
                throw Late(number, call);
            }

            _pause.Wait(pauseMilliseconds);
        }
    }

    private CollectiveTimeoutException Late(long number, string call)
    {
        int[] missing = [.. Enumerable.Range(0, Size).Where(rank => rank != Rank && _board.Find(rank, number) is null)];
        string activities = string.Join("; ", missing.Select(rank => FormattableString.Invariant($"rank {rank}: {_board.Activity(rank)}")));
        return new CollectiveTimeoutException(
            $"operation {number} of group {Name}, {call}: {RankList.Describe(missing)} did not come within {Timeout.TotalSeconds:0.###} s ({activities}). See why (every rank must call the same operations), or give the process group a longer time-out.",
            missing,
            Timeout);
    }
}
