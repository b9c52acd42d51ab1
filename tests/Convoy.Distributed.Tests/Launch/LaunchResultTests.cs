using Convoy.Distributed.Launch;

namespace Convoy.Distributed.Tests.Launch;

public class LaunchResultTests
{
    [Fact]
    public void ToString_WithoutFailure_IsALine()
    {
        Assert.Equal("2 processes ended with exit code 0", new LaunchResult([0, 0], null, false, 0).ToString());
        Assert.Equal("1 process ended with exit code 0 after 1 restart", new LaunchResult([0], null, false, 1).ToString());
        Assert.Equal("interrupted (exit code 130)", new LaunchResult([130, 130], null, true, 0).ToString());
    }

    [Fact]
    public void ToString_Failures_BeginWithTheCauseAndEndWithAll()
    {
        var cause = new WorkerFailure(1, 42, 3, null, ["almost", "boom"], "no\nroom.") { LocalRank = 1, Host = "here", Time = DateTimeOffset.UnixEpoch, Callstack = "Error: no room\n   at Main" };
        var second = new WorkerFailure(0, 41, 1, null, []) { Host = "here", Time = DateTimeOffset.UnixEpoch, LostPeer = true };
        string[] lines = LaunchResult.From([1, 3], [cause, second], false, 0, severalNodes: false).ToString().Split(Environment.NewLine);

        Assert.Equal(
            [
                "rank 1 (pid 42) failed with exit code 3: no room. Its last lines:",
                "[rank 1] almost",
                "[rank 1] boom",
                "Its exception:",
                "[rank 1] Error: no room",
                "[rank 1]    at Main",
                "Failures, the root cause first:",
                "  rank 1 (local rank 1), pid 42 on node 0 (here), 1970-01-01 00:00:00.000Z, exit code 3: no room.",
                "  rank 0 (local rank 0), pid 41 on node 0 (here), 1970-01-01 00:00:00.000Z, exit code 1",
            ],
            lines);
    }

    [Fact]
    public void ToString_SeveralNodes_NamesTheMachine()
    {
        var cause = new WorkerFailure(1, 42, 137, "SIGKILL", []) { NodeRank = 2, Host = "there" };
        Assert.Equal(
            "rank 1 (pid 42) on node 2 (there) was ended by SIGKILL (exit code 137). If nobody sent that signal, the system may have run out of memory. It wrote nothing.",
            LaunchResult.From([0], [cause], false, 0, severalNodes: true).ToString());
        Assert.StartsWith("rank 1 (pid 42) was ended by SIGKILL", cause.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ToString_OutputLine_HasItsRank() => Assert.Equal("[rank 2] text", new WorkerOutputLine(2, WorkerOutputStream.Output, "text", 0).ToString());
}
