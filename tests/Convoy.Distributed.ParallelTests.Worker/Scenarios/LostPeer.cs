using System.Diagnostics;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>The last rank kills itself as SIGKILL would; the others wait for it in a barrier.</summary>
internal static class LostPeer
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args, TimeSpan.FromSeconds(120));
        group.Barrier();
        if (group.Rank == group.Size - 1)
        {
            using var self = Process.GetCurrentProcess();
            self.Kill();
            new ManualResetEventSlim().Wait();
        }

        group.Barrier();
    }
}
