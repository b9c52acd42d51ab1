namespace Convoy.Distributed.ParallelTests;

/// <summary>The pieces for training loops of one's own, in real processes.</summary>
[Trait("Repeats", "more")]
public sealed class LoopTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("convoy-loops-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Pieces_OnSeveralRanks_ComputeWhatOneDoesAndAgree(int worldSize) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("LoopPieces", worldSize);

    [Theory]
    [InlineData(2, "")]
    [InlineData(2, "zero")]
    [InlineData(3, "zero")]
    public async Task Checkpoints_OfSeveralRanks_GoOnBitForBitAndAllLearnOfFailures(int worldSize, string optimizer) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("LoopCheckpointing", worldSize, _folder, optimizer);
}
