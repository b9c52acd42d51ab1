using System.Diagnostics;
using System.Globalization;
using Convoy.Distributed.Backends.SharedMemory;
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

    // So that no rank ends, and takes a store that it may host with it, before all have read what differs.
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
    protected override void Forward(Operation operation, Action run)
    {
        if (operation.IsMessage)
        {
            string message = $"{operation} in group {Name}";
            _board.SetActivity($"began {message}");
            run();
            _board.SetActivity($"finished {message}");
            return;
        }

        long number = ++_number;
        string call = operation.Signature, numbered = FormattableString.Invariant($"operation {number} of group {Name}, {call},");
        _board.SetActivity($"began {numbered}");
        _board.Announce(number, call);
        Compare(number, call);
        run();
        _board.SetActivity($"finished {numbered}");
    }

    /// <inheritdoc/>
    protected override ProcessGroup Wrap(ProcessGroup inner, IReadOnlyList<int> ranks) => new ProcessGroupChecked(inner, _board.ForGroup(inner.Name, inner.Rank, ranks));

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
        return CollectiveTimeoutException.WithMessage(
            $"operation {number} of group {Name}, {call}: {RankList.Describe(missing)} did not arrive within {Timeout.TotalSeconds:0.###} s ({activities}). Check why (every rank must call the same operations), or give the process group a longer timeout.",
            missing,
            Timeout);
    }
}

/// <summary>
/// Where the ranks of a group write what they call, for the others to read. Each rank has two places that it uses in turn: to
/// write its call n + 2 it must have seen everybody's call n + 1, and whoever wrote that has read call n.
/// </summary>
/// <param name="store">The job's store.</param>
/// <param name="group">The group's name.</param>
/// <param name="rank">This process's number in the group.</param>
/// <param name="worldRanks">The numbers of the group's ranks in the group that the store belongs to.</param>
internal sealed class CallBoard(Store store, string group, int rank, IReadOnlyList<int> worldRanks)
{
    /// <summary>The numbers of the group's ranks in the group that the store belongs to.</summary>
    public IReadOnlyList<int> WorldRanks => worldRanks;

    /// <summary>The board of a group of some of these ranks.</summary>
    public CallBoard ForGroup(string name, int newRank, IReadOnlyList<int> ranks) => new(store, name, newRank, [.. ranks.Select(member => worldRanks[member])]);

    /// <summary>Writes this rank's call.</summary>
    public void Announce(long number, string call) => store.Set(CallKey(rank, number), FormattableString.Invariant($"{number}\n{call}"));

    /// <summary>A rank's call of that number; null when it has not come to it.</summary>
    public string? Find(int other, long number) =>
        RankPresence.Find(store, CallKey(other, number))?.Split('\n', 2) is [var found, var call] && found == number.ToString(CultureInfo.InvariantCulture) ? call : null;

    /// <summary>Writes that this rank has seen that the calls of that number differ, after which nothing follows.</summary>
    public void AnnounceEnd(long number) => store.Set(EndKey(rank, number), string.Empty);

    /// <summary>Whether a rank has seen that the calls of that number differ.</summary>
    public bool HasSeenEnd(int other, long number) => RankPresence.Find(store, EndKey(other, number)) is not null;

    /// <summary>Writes what this process does, in any of its groups.</summary>
    public void SetActivity(string activity) =>
        store.Set(ActivityKey(rank), FormattableString.Invariant($"{Stopwatch.GetTimestamp()}\n{activity}"));

    /// <summary>What a rank's process did last, and for how long: <c>it finished operation 16 of group default, Barrier(), 3.2 s ago</c>.</summary>
    public string Activity(int other) =>
        RankPresence.Find(store, ActivityKey(other))?.Split('\n', 2) is [var time, var activity] && long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out long timestamp)
            ? string.Create(CultureInfo.InvariantCulture, $"it {activity} {Stopwatch.GetElapsedTime(timestamp).TotalSeconds:0.0} s ago")
            : "it has called nothing yet";

    /// <summary>The process id of a rank that has ended, otherwise null.</summary>
    public int? HasEnded(int other) => RankPresence.HasEnded(store, worldRanks[other]);

    /// <summary>Tells who this process is.</summary>
    public void Introduce() => RankPresence.Publish(store, worldRanks[rank]);

    private string CallKey(int other, long number) => string.Create(CultureInfo.InvariantCulture, $"debug/{group}/{other}/{number & 1}");

    private string EndKey(int other, long number) => string.Create(CultureInfo.InvariantCulture, $"debug/{group}/{other}/end/{number}");

    private string ActivityKey(int other) => string.Create(CultureInfo.InvariantCulture, $"debug/activity/{worldRanks[other]}");
}
