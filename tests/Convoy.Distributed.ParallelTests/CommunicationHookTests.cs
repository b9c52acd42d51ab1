namespace Convoy.Distributed.ParallelTests;

[Trait("Repeats", "more")]
public class CommunicationHookTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task CompressionHooks_GivenGradients_AverageToRounding(int worldSize) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("CompressedGradients", worldSize);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task PowerSGDHook_GivenGradients_LosesNothingForGood(int worldSize) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("PowerSGDGradients", worldSize);

    [Theory]
    [InlineData("")]
    [InlineData("loss.backward")]
    public async Task PowerSGDHook_Training_ConvergesAndResumes(string pass) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("PowerSGDTraining", 2, pass);
}
