namespace Convoy.Distributed.ParallelTests;

[Trait("Repeats", "more")]
public class DistributedDataParallelTests
{
    private const string Plain = "loss.backward";

    [Theory]
    [InlineData(1, "")]
    [InlineData(3, "")]
    [InlineData(1, Plain)]
    [InlineData(3, Plain)]
    public async Task Backward_UnusualGraphsUnderAllOptions_EqualsOneProcess(int worldSize, string pass) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("MixedGraphs", worldSize, pass);

    [Theory]
    [InlineData("")]
    [InlineData(Plain)]
    public async Task Backward_ParametersUnusedOnSomeOrAllRanks_FailsOrCountsThemAsToldTo(string pass) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("UnusedParameters", 3, pass);

    [Theory]
    [InlineData("")]
    [InlineData(Plain)]
    public async Task Backward_Overlapping_ReducesBucketsBeforeItEnds(string pass) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("OverlappedReduction", 2, pass);
}
