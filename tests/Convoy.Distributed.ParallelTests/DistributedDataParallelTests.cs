namespace Convoy.Distributed.ParallelTests;

public class DistributedDataParallelTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Backward_UnusualGraphsUnderAllOptions_EqualsOneProcess(int worldSize) =>
        await WorkerProcesses.RunAndRequireSuccessAsync("MixedGraphs", worldSize);

    [Fact]
    public async Task Backward_ParametersUnusedOnSomeOrAllRanks_FailsOrCountsThemAsToldTo() =>
        await WorkerProcesses.RunAndRequireSuccessAsync("UnusedParameters", 3);

    [Fact]
    public async Task Backward_Overlapping_ReducesBucketsBeforeItEnds() =>
        await WorkerProcesses.RunAndRequireSuccessAsync("OverlappedReduction", 2);
}
