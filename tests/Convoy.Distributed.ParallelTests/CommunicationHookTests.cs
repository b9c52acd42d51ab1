namespace Convoy.Distributed.ParallelTests;

public class CommunicationHookTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task CompressionHooks_GivenGradients_AverageToRounding(int worldSize) =>
        await WorkerProcesses.RunAndRequireSuccessAsync("CompressedGradients", worldSize);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task PowerSGDHook_GivenGradients_LosesNothingForGood(int worldSize) =>
        await WorkerProcesses.RunAndRequireSuccessAsync("PowerSGDGradients", worldSize);

    [Fact]
    public async Task PowerSGDHook_Training_ConvergesAndResumes() =>
        await WorkerProcesses.RunAndRequireSuccessAsync("PowerSGDTraining", 2);
}
