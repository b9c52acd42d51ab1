using System.Diagnostics;
using System.Globalization;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>The last rank is stopped by SIGSTOP: the others give up, saying so. Then rank 0 lets it go on, and it learns that it was given up.</summary>
internal static class StoppedPeer
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args, TimeSpan.FromSeconds(4));
        group.Barrier();
        if (group.Rank == group.Size - 1)
        {
            Signal("STOP", Environment.ProcessId);
            group.Barrier(); // The others have come to it before they gave up: in shared memory it must not succeed for this rank alone, and where it does, the next one cannot.
            group.Barrier();
            return;
        }

        try
        {
            group.Barrier();
        }
        catch (CollectiveTimeoutException error)
        {
            Expect.True(error.MissingRanks.SequenceEqual([group.Size - 1]) && error.Message.Contains("is stopped", StringComparison.Ordinal), error.Message);
            if (group.Rank == 0)
            {
                // Until the other one has given up as well: over MPI the stopped rank's message would still come in time for it.
                using var never = new ManualResetEventSlim();
                never.Wait(TimeSpan.FromSeconds(1));
                Signal("CONT", int.Parse(error.Message[(error.Message.LastIndexOf(' ') + 1)..].TrimEnd('.'), CultureInfo.InvariantCulture));
            }

            return;
        }

        throw new InvalidOperationException("nobody noticed");
    }

    private static void Signal(string name, int processId)
    {
        using var kill = Process.Start("kill", [$"-{name}", processId.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}
