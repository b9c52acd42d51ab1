namespace Convoy.Distributed.ParallelTests;

[Trait("Repeats", "more")]
public class JoinTests
{
    [Theory]
    [InlineData(3, "5,3,1")]
    [InlineData(3, "1,3,5")]
    [InlineData(2, "0,3")]
    [InlineData(3, "1,3,5", "loss.backward")]
    public async Task Run_UnevenInputs_GivesTheClosedForm(int worldSize, params string[] batches) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("JoinWithUnevenInputs", worldSize, batches);

    [Theory]
    [InlineData("")]
    [InlineData("loss.backward")]
    public async Task Run_WhatMustNotHappen_IsToldOnAllRanks(string pass) =>
        await WorkerProcesses.RunAndRequireSuccessAsync("JoinFailures", 3, pass);
}
