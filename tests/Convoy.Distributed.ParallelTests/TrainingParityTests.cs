namespace Convoy.Distributed.ParallelTests;

public class TrainingParityTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task DistributedDataParallel_AnyNetworkBucketsAndOverlap_EqualsOneProcessOnTheWholeBatch(int worldSize)
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("TrainingParity", worldSize, limit: TimeSpan.FromMinutes(5));
        Assert.All(results, result => Assert.True(result.ExitCode == 0, $"rank {result.Rank}: {result.Errors}"));
    }
}
