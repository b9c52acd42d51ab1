namespace Convoy.Distributed.ParallelTests;

/// <summary>Who does not belong to a job reaches its ports: the store's, and those that the MPI library opens and Convoy has no say in. The docs say what it does not withstand.</summary>
[Trait("Subject", "Processes")]
public sealed class StrangerTests
{
    public StrangerTests()
    {
        RequiredParts.Mpich();
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The ports of a process are read from Linux's /proc.");
    }

    [Theory]
    [InlineData("random")]
    [InlineData("zeros")]
    [InlineData("cut")]
    [InlineData("many")]
    public async Task Strangers_AtAllPortsOfARank_DisturbNoSum(string what)
    {
        // TCP only, as between hosts.
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync(
            "StrangersKnock", 2, [what], rankZeroServes: true, environment: [new("LOCAL_RANK", "0"), new("LOCAL_WORLD_SIZE", "1"), new("UCX_TLS", "tcp,self")], ofRank: _ => [new("LOCAL_RANK", "0")]);
        Assert.All(results, result => Assert.True(result.ExitCode == 0, $"rank {result.Rank}: {result.Errors}"));
    }
}
