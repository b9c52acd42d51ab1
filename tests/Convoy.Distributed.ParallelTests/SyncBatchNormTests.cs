namespace Convoy.Distributed.ParallelTests;

[Trait("Repeats", "more")]
public class SyncBatchNormTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task SyncBatchNorm_PartsOfABatch_EqualBatchNormOnTheWhole(int worldSize)
    {
        Repetitions.RequireAllUnless(worldSize is 2 or 3);
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("SyncBatchNormVariants", worldSize);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task NormalizeRelu_PartsOfABatch_EqualsTheSingleOperationsOnTheWhole(int worldSize) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("SyncBatchNormFusedVariants", worldSize, "Relu");

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task NormalizeRelu_PartsOfABatchAndOfAResidual_EqualsTheSingleOperationsOnTheWhole(int worldSize) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("SyncBatchNormFusedVariants", worldSize, "AddRelu");

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task NormalizeReluMaxPool_PartsOfABatch_EqualsTheSingleOperationsOnTheWhole(int worldSize) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("SyncBatchNormFusedVariants", worldSize, "ReluMaxPool");

    [Theory]
    [InlineData("")]
    [InlineData("loss.backward")]
    public async Task Backward_InputChangedInPlaceOnOneRank_IsAnErrorOnAll(string pass) =>
        await WorkerProcesses.RunAndRequireSuccessAsync("NormInputChangedInPlace", 3, pass);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task SyncBatchNorm_RanksThatDoAndDoNotAgree_CommunicateWhenNeededAndSayWhatDiffers(int worldSize) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("SyncBatchNormAgreement", worldSize);
}
