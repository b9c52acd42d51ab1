using System.Diagnostics;
using Convoy.Distributed.Diagnostics;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Of five ranks, rank 1 sleeps and rank 3 is killed before a monitored barrier: the others must name both, and who is dead.</summary>
internal static class MissingAtMonitoredBarrier
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        group.MonitoredBarrier();
        using var never = new ManualResetEventSlim();
        if (group.Rank == 3)
        {
            using var self = Process.GetCurrentProcess();
            self.Kill();
            never.Wait();
        }

        if (group.Rank == 1)
        {
            never.Wait(TimeSpan.FromSeconds(10));
            return;
        }

        try
        {
            group.MonitoredBarrier(TimeSpan.FromSeconds(4));
        }
        catch (CollectiveTimeoutException error)
        {
            Expect.True(error.MissingRanks.SequenceEqual([1, 3]), error.Message);
            Expect.True(error.Message.Contains("the process of rank 3 (process ", StringComparison.Ordinal), error.Message);
            Expect.True(!error.Message.Contains("the process of rank 1 ", StringComparison.Ordinal), error.Message);
            group.RequireIntact();
            return;
        }

        throw new InvalidOperationException("nobody noticed");
    }
}
