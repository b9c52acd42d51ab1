namespace Convoy.Distributed.ParallelTests;

[Trait("Repeats", "more")]
public class TrainingParityTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(2, "loss.backward")]
    public async Task DistributedDataParallel_AnyNetworkBucketsAndOverlap_EqualsOneProcessOnTheWholeBatch(int worldSize, params string[] pass)
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunSharedAsync("TrainingParity", worldSize, [$"{Repetitions.Of(50, 200)}", .. pass], limit: TimeSpan.FromMinutes(5));
        Assert.All(results, result => Assert.True(result.ExitCode == 0, $"rank {result.Rank}: {result.Errors}"));
    }
}
