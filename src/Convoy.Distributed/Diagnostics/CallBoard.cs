using System.Diagnostics;
using System.Globalization;
using Convoy.Distributed.Backends.SharedMemory;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Diagnostics;

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
    public CallBoard Of(string name, int newRank, IReadOnlyList<int> ranks) => new(store, name, newRank, [.. ranks.Select(of => worldRanks[of])]);

    /// <summary>Writes this rank's call.</summary>
    public void Announce(long number, string call) => store.Set(CallKey(rank, number), FormattableString.Invariant($"{number}\n{call}"));

    /// <summary>A rank's call of that number; null when it has not come to it.</summary>
    public string? Find(int of, long number) =>
        RankPresence.Find(store, CallKey(of, number))?.Split('\n', 2) is [var found, var call] && found == number.ToString(CultureInfo.InvariantCulture) ? call : null;

    /// <summary>Writes that this rank has seen that the calls of that number differ, after which nothing follows.</summary>
    public void AnnounceEnd(long number) => store.Set(EndKey(rank, number), string.Empty);

    /// <summary>Whether a rank has seen that the calls of that number differ.</summary>
    public bool HasSeenEnd(int of, long number) => RankPresence.Find(store, EndKey(of, number)) is not null;

    /// <summary>Writes what this process does, in any of its groups.</summary>
    public void SetActivity(string activity) =>
        store.Set(ActivityKey(rank), FormattableString.Invariant($"{Stopwatch.GetTimestamp()}\n{activity}"));

    /// <summary>What a rank's process did last, and for how long: <c>it finished operation 16 of group default, Barrier(), 3.2 s ago</c>.</summary>
    public string Activity(int of) =>
        RankPresence.Find(store, ActivityKey(of))?.Split('\n', 2) is [var time, var activity] && long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out long timestamp)
            ? string.Create(CultureInfo.InvariantCulture, $"it {activity} {Stopwatch.GetElapsedTime(timestamp).TotalSeconds:0.0} s ago")
            : "it has called nothing yet";

    /// <summary>The process id of a rank that has ended, otherwise null.</summary>
    public int? HasEnded(int of) => RankPresence.HasEnded(store, worldRanks[of]);

    /// <summary>Tells who this process is.</summary>
    public void Introduce() => RankPresence.Publish(store, worldRanks[rank]);

    private string CallKey(int of, long number) => string.Create(CultureInfo.InvariantCulture, $"debug/{group}/{of}/{number & 1}");

    private string EndKey(int of, long number) => string.Create(CultureInfo.InvariantCulture, $"debug/{group}/{of}/end/{number}");

    private string ActivityKey(int of) => string.Create(CultureInfo.InvariantCulture, $"debug/activity/{worldRanks[of]}");
}
