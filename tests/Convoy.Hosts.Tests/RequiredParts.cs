using Convoy.Hosts;

namespace Convoy.Hosts.Tests;

/// <summary>What a test needs and some machines lack: it skips, and says why.</summary>
internal static class RequiredParts
{
    public static void Hosts() => Assert.SkipWhen(Cluster.WhyNot is not null, Cluster.WhyNot ?? "");

    public static void Mpi(MpiLibrary library)
    {
        Hosts();
        string? obstacle = MpiLauncher.WhyNot(library);
        Assert.SkipWhen(obstacle is not null, obstacle ?? "");
    }
}
