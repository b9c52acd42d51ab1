using Convoy.Distributed.Backends.SharedMemory;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>How a scenario joins its group.</summary>
internal static class Groups
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    /// <summary>The group of the environment; with the argument <c>portable</c>, by what systems other than Linux use.</summary>
    public static ProcessGroup Join(string[] args)
    {
        RankEnvironment environment = RankEnvironment.Read();
        return args.Contains("portable")
            ? new ProcessGroupSharedMemory(new PortablePlatform(), environment.ConnectStore(Timeout), environment.Rank, environment.WorldSize, Timeout, ownsStore: true)
            : ProcessGroups.FromEnvironment(Timeout);
    }
}
