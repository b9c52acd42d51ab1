namespace Convoy.Distributed.ParallelTests;

[Trait("Repeats", "more")]
public class ZeroRedundancyOptimizerTests
{
    [Theory]
    [InlineData(1, "adamw")]
    [InlineData(2, "adamw")]
    [InlineData(3, "adamw", "apart")]
    [InlineData(2, "fused")]
    [InlineData(3, "fused", "apart")]
    [InlineData(2, "fused", "loss.backward")]
    [InlineData(3, "sgd")]
    [InlineData(2, "sgd", "apart", "one-parameter")]
    public async Task Step_FiveUpdates_IsBitwiseThePlainOptimizer(int worldSize, params string[] variant) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("ZeroRedundancyTraining", worldSize, variant);

    [Fact]
    public async Task State_OfResNet18_IsSharedOut()
    {
        IReadOnlyList<string> outputs = await WorkerProcesses.RunAndRequireSuccessAsync("ZeroSaving", 2, "1");
        Assert.All(outputs, output =>
        {
            Assert.Contains("AdamW: 2 processes", output, StringComparison.Ordinal);
            Assert.Contains("11,689,512 parameters, optimizer state 89.2 MiB", output, StringComparison.Ordinal);
            Assert.Equal(3, output.Split("optimizer state 44.6 MiB").Length - 1);
        });
    }
}
