using System.Runtime.CompilerServices;
using Convoy.Distributed.Backends.Mpi;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// How MPI lives in a managed process: faults of managed code stay exceptions, groups join one after the other, and the last one, which nobody disposes, does not keep the process from ending in order.
/// </summary>
internal static class MpiInProcess
{
    public static void Run(string[] args)
    {
        for (int i = 0; i < 3; i++)
        {
            using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
            Expect.True(group is ProcessGroupMpi { Library.Length: > 0 }, "not the group of MPI");
            group.Barrier();
        }

        Expect.Throws<NullReferenceException>(() => LengthOf(null!), "");
        ProcessGroup last = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        last.Barrier();
        Console.WriteLine($"rank {last.Rank} ends");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int LengthOf(string text) => text.Length;
}
