namespace Convoy.Distributed.ParallelTests;

[Trait("Repeats", "more")]
public class DistributedDataParallelTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Backward_UnusualGraphsUnderAllOptions_EqualsOneProcess(int worldSize) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("MixedGraphs", worldSize);

    [Fact]
    public async Task Backward_ParametersUnusedOnSomeOrAllRanks_FailsOrCountsThemAsToldTo() =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("UnusedParameters", 3);

    [Fact]
    public async Task Backward_Overlapping_ReducesBucketsBeforeItEnds() =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("OverlappedReduction", 2);
}
