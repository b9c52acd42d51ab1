namespace Convoy.Distributed.ParallelTests;

public class MixedPrecisionTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task MixedPrecision_OneRanksInfinity_MakesAllSkipWithEqualScales(int worldSize) =>
        await WorkerProcesses.RunAndRequireSuccessAsync("MixedPrecision", worldSize);
}
