using System.Globalization;
using Convoy.Distributed.Backends.Hierarchical;
using Convoy.Distributed.Backends.SharedMemory;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>How a scenario joins its group.</summary>
internal static class Groups
{
    private const string HostsArgument = "hosts=";

    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The group of the environment; with the argument <c>portable</c>, by what systems other than Linux use; with <c>hosts=0,0,1,1</c> one of ranks that believe to be on those hosts, between which another group of shared memory
    /// stands for the network.
    /// </summary>
    /// <param name="args">The scenario's arguments.</param>
    /// <param name="timeout">The group's timeout; null: a minute.</param>
    public static ProcessGroup Join(string[] args, TimeSpan? timeout = null)
    {
        RankEnvironment environment = RankEnvironment.Read();
        TimeSpan limit = timeout ?? DefaultTimeout;
        return args.Contains("portable")
            ? new ProcessGroupSharedMemory(new PortablePlatform(), environment.ConnectStore(limit), environment.Rank, environment.WorldSize, limit, ownsStore: true)
            : Hosts(args) is { } hosts ? JoinHosts(environment, hosts, limit)
            : ProcessGroups.FromEnvironment(limit);
    }

    /// <summary>The host of each rank; null: the ranks are where they are.</summary>
    public static int[]? Hosts(string[] args) =>
        args.FirstOrDefault(argument => argument.StartsWith(HostsArgument, StringComparison.Ordinal)) is { } hosts
            ? [.. hosts[HostsArgument.Length..].Split(',').Select(host => int.Parse(host, CultureInfo.InvariantCulture))]
            : null;

    /// <summary>
    /// In which order the elements of a group are combined: the ranks of the group by host, first those of a host and then the hosts. One host: all at once, as also where each host has one rank.
    /// </summary>
    /// <param name="args">The scenario's arguments.</param>
    /// <param name="members">The members of the group by their ranks in the world.</param>
    public static IReadOnlyList<int[]> Levels(string[] args, IReadOnlyList<int> members)
    {
        int[] ranks = [.. Enumerable.Range(0, members.Count)];
        int[][] levels = Hosts(args) is { } hosts ? [.. ranks.GroupBy(rank => hosts[members[rank]]).Select(ofHost => ofHost.ToArray())] : [ranks];
        return levels.Length == ranks.Length ? [ranks] : levels;
    }

    private static ProcessGroupHierarchical JoinHosts(RankEnvironment environment, int[] hosts, TimeSpan timeout)
    {
        Store store = environment.ConnectStore(timeout);
        int rank = environment.Rank;
        int[] here = [.. Enumerable.Range(0, environment.WorldSize).Where(other => hosts[other] == hosts[rank])];
        var world = new ProcessGroupSharedMemory(
            new PrefixStore("world", store, ownsStore: true), rank, environment.WorldSize, ProcessGroupHierarchical.WorldTimeout(timeout), ownsStore: true);
        var local = new ProcessGroupSharedMemory(
            IPlatform.Current,
            new PrefixStore(string.Create(CultureInfo.InvariantCulture, $"host/{hosts[rank]}"), store),
            Array.IndexOf(here, rank),
            here.Length,
            timeout,
            rankNames: here);
        return new ProcessGroupHierarchical(world, local, hosts);
    }
}
