namespace Convoy.Distributed.ParallelTests;

[Trait("Repeats", "more")]
public class MixedPrecisionTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task MixedPrecision_OneRanksInfinity_MakesAllSkipWithEqualScales(int worldSize) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("MixedPrecision", worldSize);

    [Fact]
    public async Task MixedPrecision_ScalersWithoutTheGroup_DoNotAgree() => Assert.All(
        await WorkerProcesses.RunAsync("MixedPrecision", 2, ["alone"]),
        result => Assert.Contains($"rank {result.Rank} stepped True", result.Errors, StringComparison.Ordinal));
}
