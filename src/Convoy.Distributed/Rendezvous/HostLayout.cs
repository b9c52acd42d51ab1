namespace Convoy.Distributed.Rendezvous;

/// <summary>Which ranks of a group share a host. Hosts are numbered in the order of their first ranks, the ranks of a host in the order of the group; there may be more on one host than on another.</summary>
internal sealed class HostLayout
{
    private readonly int[] _hostOf;
    private readonly int[] _localRankOf;
    private readonly int[][] _members;

    /// <param name="hosts">For each rank what tells its host from others; any numbers.</param>
    public HostLayout(IReadOnlyList<int> hosts)
    {
        int[] distinct = [.. hosts.Distinct()];
        _hostOf = [.. hosts.Select(host => Array.IndexOf(distinct, host))];
        _members = [.. distinct.Select(host => Enumerable.Range(0, hosts.Count).Where(rank => hosts[rank] == host).ToArray())];
        _localRankOf = [.. Enumerable.Range(0, hosts.Count).Select(rank => Array.IndexOf(_members[_hostOf[rank]], rank))];
        Lanes = _members.Min(members => members.Length);
    }

    /// <summary>The layout in which each host runs the next so many ranks.</summary>
    public static HostLayout Blocks(params IReadOnlyList<int> ranksPerHost) => new([.. ranksPerHost.SelectMany((count, host) => Enumerable.Repeat(host, count))]);

    /// <summary>How many ranks there are.</summary>
    public int Size => _hostOf.Length;

    /// <summary>How many hosts there are.</summary>
    public int HostCount => _members.Length;

    /// <summary>How many ranks of each host exchange with other hosts: as many as the host with the fewest has.</summary>
    public int Lanes { get; }

    /// <summary>For each rank its host.</summary>
    public IReadOnlyList<int> Hosts => _hostOf;

    /// <summary>The host of a rank.</summary>
    public int HostOf(int rank) => _hostOf[rank];

    /// <summary>The number of a rank among those of its host.</summary>
    public int LocalRankOf(int rank) => _localRankOf[rank];

    /// <summary>The ranks of a host.</summary>
    public IReadOnlyList<int> MembersOf(int host) => _members[host];

    /// <summary>The ranks that exchange with each other in a lane: one of each host, by host.</summary>
    public int[] LaneMembers(int lane) => [.. _members.Select(members => members[lane])];

    /// <summary>The layout of a group of some of the ranks.</summary>
    public HostLayout Of(IEnumerable<int> ranks) => new([.. ranks.Select(HostOf)]);
}
