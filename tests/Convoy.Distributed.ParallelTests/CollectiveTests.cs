namespace Convoy.Distributed.ParallelTests;

public class CollectiveTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Collectives_RankPlusOneOnEveryRank_GiveClosedForms(int worldSize) =>
        await WorkerProcesses.RunAndRequireSuccessAsync("Collectives", worldSize);

    [Fact]
    public async Task AllReduce_TensorsOfDifferentSize_FailsOnEveryRank() =>
        await WorkerProcesses.RunAndRequireSuccessAsync("Mismatch", 3);
}
