namespace Convoy.Distributed.ParallelTests;

[Trait("Repeats", "more")]
public class JoinTests
{
    [Theory]
    [InlineData(3, "5,3,1")]
    [InlineData(3, "1,3,5")]
    [InlineData(2, "0,3")]
    public async Task Run_UnevenInputs_GivesTheClosedForm(int worldSize, string batches) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("JoinWithUnevenInputs", worldSize, batches);

    [Fact]
    public async Task Run_WhatMustNotHappen_IsToldOnAllRanks() =>
        await WorkerProcesses.RunAndRequireSuccessAsync("JoinFailures", 3);
}
