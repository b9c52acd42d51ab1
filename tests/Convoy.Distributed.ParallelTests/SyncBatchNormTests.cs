namespace Convoy.Distributed.ParallelTests;

public class SyncBatchNormTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task SyncBatchNorm_PartsOfABatch_EqualBatchNormOnTheWhole(int worldSize) =>
        await WorkerProcesses.RunAndRequireSuccessAsync("SyncBatchNormVariants", worldSize);

    [Fact]
    public async Task Backward_InputChangedInPlaceOnOneRank_IsAnErrorOnAll() =>
        await WorkerProcesses.RunAndRequireSuccessAsync("NormInputChangedInPlace", 3);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task SyncBatchNorm_RanksThatDoAndDoNotAgree_CommunicateWhenNeededAndSayWhatDiffers(int worldSize) =>
        await WorkerProcesses.RunAndRequireSuccessAsync("SyncBatchNormAgreement", worldSize);
}
