using Convoy.Distributed.Launch.Processes;
using Convoy.Distributed.Rendezvous;
using Convoy.Distributed.Tests.Backends;

namespace Convoy.Distributed.Tests.Launch;

public class StoppedWorkersTests
{
    private readonly List<string> _notices = [];
    private ProcessStatus? _status = new ProcessStatus(1, IsStopped: false);

    [Fact]
    public void Look_StoppedTwice_SaysSoOnceAndWhenItGoesOn()
    {
        StoppedWorkers watch = Watch();
        _status = new ProcessStatus(1, IsStopped: true);
        watch.Look(1, 4711);
        Assert.Empty(_notices);
        watch.Look(1, 4711);
        watch.Look(1, 4711);
        Assert.Equal(["rank 1 (pid 4711) is stopped (SIGSTOP), and the others are waiting for it. Resume it with kill -CONT 4711."], _notices);

        _status = new ProcessStatus(1, IsStopped: false);
        watch.Look(1, 4711);
        watch.Look(1, 4711);
        Assert.Equal(2, _notices.Count);
        Assert.StartsWith("rank 1 (pid 4711) has resumed after ", _notices[1], StringComparison.Ordinal);

        _status = new ProcessStatus(1, IsStopped: true);
        watch.Look(1, 4711);
        watch.Look(1, 4711);
        Assert.Equal(3, _notices.Count);
    }

    [Fact]
    public void Look_HeldByADebugger_SaysThat()
    {
        StoppedWorkers watch = Watch();
        _status = new ProcessStatus(1, IsStopped: true, IsTraced: true);
        watch.Look(0, 12);
        watch.Look(0, 12);
        Assert.Equal(["rank 0 (pid 12) is held by a debugger, and the others are waiting for it. Resume it."], _notices);
    }

    [Fact]
    public void Look_StoppedForAMomentOrEnded_SaysNothing()
    {
        StoppedWorkers watch = Watch();
        _status = new ProcessStatus(1, IsStopped: true);
        watch.Look(1, 4711);
        _status = null;
        watch.Look(1, 4711);
        Assert.Empty(_notices);
    }

    private StoppedWorkers Watch() => new(new StubPlatform { Process = _ => _status }, _notices.Add, TimeProvider.System);
}
