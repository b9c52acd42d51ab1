namespace Convoy.Distributed.ParallelTests;

[Trait("Repeats", "more")]
public class MixedPrecisionTests
{
    [Theory]
    [InlineData(1, "")]
    [InlineData(2, "")]
    [InlineData(3, "")]
    [InlineData(2, "loss.backward")]
    public async Task MixedPrecision_OneRanksInfinity_MakesAllSkipWithEqualScales(int worldSize, string pass) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("MixedPrecision", worldSize, pass);

    [Theory]
    [InlineData("fp16", "", "wide")]
    [InlineData("fp16", "AVX2", "wide")]
    [InlineData("bf16", "AVX2", "wide")]
    [InlineData("bf16", "", "either")]
    public async Task Autocast_LstmOfATypeThatOneDnnHasNot_RunsInFloat32(string type, string instructions, string expected)
    {
        // A process of its own, which an LSTM that is not there would end.
        WorkerResult result = (await WorkerProcesses.RunAsync(
            "NarrowRecurrence", 1, [type, expected], environment: instructions.Length == 0 ? null : [new("ONEDNN_MAX_CPU_ISA", instructions)])).Single();
        Assert.True(result.ExitCode == 0, $"exit code {result.ExitCode}: {result.Errors}");
    }

    [Fact]
    public async Task MixedPrecision_ScalersWithoutTheGroup_DoNotAgree() => Assert.All(
        await WorkerProcesses.RunAsync("MixedPrecision", 2, ["alone"]),
        result => Assert.Contains($"rank {result.Rank} stepped True", result.Errors, StringComparison.Ordinal));
}
