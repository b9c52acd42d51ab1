using System.Globalization;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>At the job's first start the last rank is killed between two operations; started again, all ranks come to the end.</summary>
internal static class FailOnce
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        group.Barrier();
        if (Environment.GetEnvironmentVariable("TORCHELASTIC_RESTART_COUNT") == "0" && group.Rank == group.Size - 1)
        {
            System.Diagnostics.Process.GetCurrentProcess().Kill();
        }

        group.Barrier();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"rank {group.Rank} of {group.Size} is done"));
    }
}
