using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Writes what the launcher's variables say of this process, and where it runs.</summary>
internal static class DescribeRank
{
    public static void Run(string[] args)
    {
        var ranks = RankEnvironment.Read();
        Console.WriteLine(FormattableString.Invariant(
            $"rank {ranks.Rank} of {ranks.WorldSize}, {ranks.LocalRank} of {ranks.LocalWorldSize} on {Environment.MachineName}, store at {ranks.MasterAddress}, {(ranks.MasterPort == 0 ? "no port" : "a port")}, from {ranks.Source}"));
    }
}
