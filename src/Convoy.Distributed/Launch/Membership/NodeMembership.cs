namespace Convoy.Distributed.Launch.Membership;

/// <summary>
/// Which launchers belong to the job, which machines a start has, and when it begins. Node 0 asks it again and again; it does nothing by itself, and time comes in.
/// </summary>
/// <param name="job">Node 0's settings.</param>
/// <param name="first">Node 0's ticket.</param>
/// <param name="times">How long it waits for what.</param>
/// <param name="time">The clock.</param>
internal sealed class NodeMembership(NodeIntroduction job, long first, MembershipTimes times, TimeProvider time)
{
    private readonly SortedDictionary<long, Member> _members = [];
    private readonly Dictionary<int, string> _lostHosts = [];
    private long _gatherSince;
    private long? _enoughSince;
    private bool _someoneMissing = true;

    /// <summary>The tickets of those who belong to the job, or wait to.</summary>
    public IReadOnlyList<long> Tickets => [.. _members.Keys];

    /// <summary>Whether the number of machines may change while the job runs.</summary>
    public bool IsElastic => job.MinNodeCount < job.NodeCount;

    private IEnumerable<Member> Waiting => _members.Values.Where(member => member.Place is null && member.Contests is null);

    /// <summary>A launcher has introduced itself.</summary>
    public void Arrive(long ticket, NodeIntroduction node)
    {
        Member? rival = node.NodeRank is not { } wanted ? null : _members.Values.FirstOrDefault(member => member.Node.NodeRank == wanted && member.Contests is null);
        _members[ticket] = new Member(ticket, node) { Heard = time.GetTimestamp(), Arrived = time.GetTimestamp(), Contests = rival, RivalBeats = rival?.Beats ?? 0 };
    }

    /// <summary>A launcher has given so many signs of life.</summary>
    public void Hear(long ticket, long beats)
    {
        Member member = _members[ticket];
        if (member.Beats != beats)
        {
            (member.Beats, member.Heard) = (beats, time.GetTimestamp());
        }
    }

    /// <summary>
    /// Those that claim a number that a living launcher has; they are members no longer. One that comes back finds its former self still counted, which gives no signs any more:
    /// such a one waits.
    /// </summary>
    public IReadOnlyList<(long Ticket, string Reason)> TakeRivals()
    {
        Member[] rivals = [.. _members.Values.Where(member => member.Contests is { } rival && rival.Beats > member.RivalBeats + 1)];
        foreach (Member rival in rivals)
        {
            _members.Remove(rival.Ticket);
        }

        return [.. rivals.Select(rival => (rival.Ticket, FormattableString.Invariant(
            $"another launcher is already node {rival.Node.NodeRank}. Give each machine its own node rank, from 0 to {job.NodeCount - 1}.")))];
    }

    /// <summary>Those of whom nothing was heard for too long; they are members no longer.</summary>
    public IReadOnlyList<long> TakeSilent()
    {
        long[] silent = [.. _members.Values.Where(member => member.Ticket != first && time.GetElapsedTime(member.Heard) > times.NodeTimeout).Select(member => member.Ticket)];
        foreach (long ticket in silent)
        {
            Remove(ticket);
        }

        return silent;
    }

    /// <summary>A launcher has left, or is lost.</summary>
    public void Remove(long ticket)
    {
        if (!_members.Remove(ticket, out Member? gone))
        {
            return;
        }

        if (gone.Place is { } place)
        {
            _someoneMissing = true;
            _lostHosts[gone.Node.NodeRank ?? place] = gone.Node.Host;
        }

        foreach (Member member in _members.Values.Where(member => member.Contests == gone))
        {
            member.Contests = null;
        }
    }

    /// <summary>Begins to gather the machines of the next start.</summary>
    public void Gather()
    {
        _gatherSince = time.GetTimestamp();
        _enoughSince = null;
    }

    /// <summary>
    /// The machines of the next start, when it can begin: the most have come; or at least the least, and the last call is over, or nobody is missing who was in the start before.
    /// Those who stay keep their number where it is not too large; the others get the numbers that are free, in the order of what they ask for and of their arrival.
    /// </summary>
    /// <returns>Null while it waits.</returns>
    public NodeStart? TryStart(int number, int restarts)
    {
        Member[] come = [.. _members.Values.Where(member => member.Contests is null)
            .OrderByDescending(member => member.Ticket == first).ThenBy(member => member.Place ?? int.MaxValue).ThenBy(member => member.Node.NodeRank ?? int.MaxValue).ThenBy(member => member.Ticket).Take(job.NodeCount)];
        if (come.Length < job.MinNodeCount || !come.Any(member => member.Ticket == first))
        {
            _enoughSince = null;
            return null;
        }

        _enoughSince ??= time.GetTimestamp();
        if (come.Length < job.NodeCount && _someoneMissing && time.GetElapsedTime(_enoughSince.Value) < times.LastCall)
        {
            return null;
        }

        Member[] placed = Place(come);
        foreach (Member member in _members.Values)
        {
            int place = Array.IndexOf(placed, member);
            member.Place = place < 0 ? null : place;
        }

        _someoneMissing = false;
        _lostHosts.Clear();
        return new NodeStart(number, restarts, [.. placed.Select(member => new StartNode(member.Ticket, member.Node.Host, member.Node.ProcessCount))]);
    }

    /// <summary>Why the next start cannot begin, when it has been waited for too long; else null.</summary>
    public string? Overdue()
    {
        // When there are enough, the last call is over soon.
        if (_enoughSince is not null || time.GetElapsedTime(_gatherSince) <= times.Join)
        {
            return null;
        }

        Member[] come = [.. _members.Values.Where(member => member.Contests is null)];
        string again = _lostHosts.Count == 0 ? "joined" : "came back";
        string enough = IsElastic ? FormattableString.Invariant($"not enough machines {again} within {times.Join.TotalSeconds:0.###} s ({come.Length} of at least {job.MinNodeCount}; ") : FormattableString.Invariant($"not all machines {again} within {times.Join.TotalSeconds:0.###} s (");
        return $"{enough}missing: {Missing(come)}). Start a launcher on each, with the same address, port and number of machines.";
    }

    /// <summary>Whether a machine that waits is to be taken in now: there is room for it, and it has waited for the time of a last call, in which others could come.</summary>
    public bool IsNewcomerDue() =>
        _members.Values.Count(member => member.Place is not null) < job.NodeCount && Waiting.Any(member => time.GetElapsedTime(member.Arrived) >= times.LastCall);

    /// <summary>The names of the machines that wait.</summary>
    public string Newcomers() => string.Join(", ", Waiting.Select(member => member.Node.Host));

    private static Member[] Place(Member[] come)
    {
        var places = new Member?[come.Length];
        places[0] = come[0];
        var rest = new List<Member>();
        foreach (Member member in come[1..])
        {
            int? wish = member.Place ?? member.Node.NodeRank;
            if (wish is >= 0 and { } place && place < places.Length && places[place] is null)
            {
                places[place] = member;
            }
            else
            {
                rest.Add(member);
            }
        }

        foreach (Member member in rest)
        {
            places[Array.IndexOf(places, null)] = member;
        }

        return places!;
    }

    // By number where the machines are numbered; those that were lost with their names.
    private string Missing(Member[] come)
    {
        if (_lostHosts.Count > 0)
        {
            return string.Join(", ", _lostHosts.OrderBy(lost => lost.Key).Select(lost => FormattableString.Invariant($"node {lost.Key}, {lost.Value}")));
        }

        int[] missing = [.. Enumerable.Range(0, job.MinNodeCount).Except(come.Select(member => member.Ticket == first ? 0 : member.Node.NodeRank ?? -1))];
        return IsElastic || come.Any(member => member.Ticket != first && member.Node.NodeRank is null)
            ? FormattableString.Invariant($"{job.MinNodeCount - come.Length} more beside {string.Join(", ", come.Select(member => member.Node.Host))}")
            : $"{(missing.Length == 1 ? "node" : "nodes")} {string.Join(", ", missing)}";
    }

    /// <summary>A launcher that belongs to the job, or waits to.</summary>
    private sealed class Member(long ticket, NodeIntroduction node)
    {
        public long Ticket => ticket;

        public NodeIntroduction Node => node;

        /// <summary>Its number in the present start, or the last one while the next is gathered; null: it waits.</summary>
        public int? Place { get; set; }

        public long Beats { get; set; }

        public long Heard { get; set; }

        public required long Arrived { get; init; }

        /// <summary>Who has the number that it claims; null: nobody.</summary>
        public Member? Contests { get; set; }

        public long RivalBeats { get; init; }
    }
}

/// <summary>How long node 0 waits for what.</summary>
/// <param name="Join">For enough machines.</param>
/// <param name="LastCall">For more than the least; also how long a newcomer waits until the others are interrupted for it.</param>
/// <param name="NodeTimeout">Without a sign of life, until a launcher counts as lost.</param>
internal sealed record MembershipTimes(TimeSpan Join, TimeSpan LastCall, TimeSpan NodeTimeout);
