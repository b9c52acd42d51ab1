using System.Globalization;
using Convoy.Distributed.Backends.Hierarchical;
using Convoy.Distributed.Backends.Mpi;
using Convoy.Distributed.Backends.SharedMemory;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>How a scenario joins its group.</summary>
internal static class Groups
{
    private const string HostsArgument = "hosts=";

    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The group of the environment; with the argument <c>portable</c>, by what systems other than Linux use; with <c>hosts=0,0,1,1</c> one of ranks that believe to be on those hosts: between them there is MPI under its launcher, otherwise
    /// another group of shared memory.
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

    private static ProcessGroup JoinHosts(RankEnvironment environment, int[] hosts, TimeSpan timeout)
    {
        ProcessGroup world = environment.AreFromMpiLauncher ? ProcessGroupMpi.Join(timeout) : JoinWorld(environment, environment.ConnectStore(timeout), timeout);
        return HostGroups.Join(world, hosts, CancellationToken.None);
    }

    private static ProcessGroupSharedMemory JoinWorld(RankEnvironment environment, Store store, TimeSpan timeout) =>
        new(new PrefixStore("world", store, ownsStore: true), environment.Rank, environment.WorldSize, timeout, ownsStore: true) { Store = store };
}
