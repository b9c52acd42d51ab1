using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Tests.Backends;

public class ProcessIdentityTests
{
    [Fact]
    public void HasEnded_ProcessMayNotBeLookedAt_IsFalse()
    {
        var platform = new StubPlatform { Process = _ => new ProcessStatus(0, IsStopped: false) };
        Assert.False(new ProcessIdentity(17, 4711).HasEnded(platform));
        Assert.False(new ProcessIdentity(17, 4711).IsVisible(platform));
    }
}
