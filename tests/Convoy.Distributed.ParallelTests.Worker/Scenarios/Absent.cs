using System.Globalization;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>A rank whose process lives, but does not join the group before the others' timeout.</summary>
internal static class Absent
{
    public static void Run(string[] args)
    {
        using var never = new ManualResetEventSlim();
        never.Wait(TimeSpan.FromSeconds(double.Parse(args[0], CultureInfo.InvariantCulture) + 30));
    }
}
