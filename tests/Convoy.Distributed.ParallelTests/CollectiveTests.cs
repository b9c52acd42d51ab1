namespace Convoy.Distributed.ParallelTests;

[Trait("Repeats", "more")]
public class CollectiveTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Collectives_RankPlusOneOnEveryRank_GiveClosedForms(int worldSize) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("Collectives", worldSize);

    [Fact]
    public async Task AllReduce_TensorsOfDifferentSize_FailsOnEveryRank() =>
        await WorkerProcesses.RunAndRequireSuccessAsync("Mismatch", 3);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(3, "portable")]
    public async Task MovingCollectives_EveryPairItsOwnValue_GiveClosedForms(int worldSize, params string[] arguments) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("MovingCollectives", worldSize, arguments);

    [Fact]
    public async Task AllToAll_SizesDiffer_FailsOnEveryRank() => await WorkerProcesses.RunAndRequireSuccessAsync("AllToAllMismatch", 3);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(3, "portable")]
    public async Task Messages_BetweenAllPairs_Arrive(int worldSize, params string[] arguments) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("Messages", worldSize, arguments);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(3, "portable")]
    public async Task SubGroups_SeveralAtOnce_AreIndependent(int worldSize, params string[] arguments) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("SubGroups", worldSize, arguments);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(2, "portable")]
    public async Task Asynchronous_ManyQueued_RunInOrder(int worldSize, params string[] arguments) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("Asynchronous", worldSize, arguments);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(3, "portable")]
    public async Task ObjectCollectives_AnotherSizeOnEachRank_ArriveOrFailEverywhere(int worldSize, params string[] arguments) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("ObjectCollectives", worldSize, arguments);
}
