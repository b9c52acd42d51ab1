namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>The last rank lives but does not come to the barrier before the others' timeout of one second.</summary>
internal static class LatePeer
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args, TimeSpan.FromSeconds(double.Parse(args[0])));
        if (group.Rank == group.Size - 1)
        {
            // Longer than the others wait; they must have given up by themselves.
            using var never = new ManualResetEventSlim();
            never.Wait(TimeSpan.FromSeconds(double.Parse(args[0]) + 3));
            return;
        }

        group.Barrier();
    }
}
