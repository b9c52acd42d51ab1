namespace Convoy.Distributed.ParallelTests;

/// <summary>What the group of shared memory is tested with, over MPI, with both libraries.</summary>
[Trait("Subject", "Processes")]
[Trait("Repeats", "more")]
public class MpiTests
{
    public MpiTests() => Repetitions.RequireAll();

    [Theory]
    [InlineData(MpiProcesses.OpenMpi, 2)]
    [InlineData(MpiProcesses.OpenMpi, 3)]
    [InlineData(MpiProcesses.OpenMpi, 4)]
    [InlineData(MpiProcesses.Mpich, 2)]
    [InlineData(MpiProcesses.Mpich, 3)]
    [InlineData(MpiProcesses.Mpich, 4)]
    public async Task Collectives_AnyTypeSizeAndLayout_GiveClosedForms(string library, int ranks) =>
        await MpiProcesses.RequireSuccessAsync(library, ranks, "Collectives", "MovingCollectives", "ObjectCollectives");

    [Theory]
    [InlineData(MpiProcesses.OpenMpi, 3)]
    [InlineData(MpiProcesses.Mpich, 3)]
    public async Task Groups_MessagesAndOperationsAtOnce_AreIndependent(string library, int ranks) =>
        await MpiProcesses.RequireSuccessAsync(library, ranks, "Messages fitting", "SubGroups", "Asynchronous");

    [Theory]
    [InlineData(MpiProcesses.OpenMpi, 3)]
    [InlineData(MpiProcesses.Mpich, 3)]
    public async Task Calls_RanksDiffer_FailOnEveryRank(string library, int ranks) =>
        await MpiProcesses.RequireSuccessAsync(library, ranks, "Mismatch", "AllToAllMismatch", "CheckedMismatch members");

    [Theory]
    [InlineData(MpiProcesses.OpenMpi, 3)]
    [InlineData(MpiProcesses.Mpich, 3)]
    public async Task RandomOperations_AnySizeTypeLayoutAndOrder_GiveClosedForms(string library, int ranks) =>
        await MpiProcesses.RequireSuccessAsync(library, ranks, "RandomCollectives 30000 64");

    [Theory]
    [InlineData(MpiProcesses.OpenMpi)]
    [InlineData(MpiProcesses.Mpich)]
    public async Task Training_AnyNetworkBucketsAndOverlap_EqualsOneProcessOnTheWholeBatch(string library) => await MpiProcesses.RequireSuccessAsync(
        library, 2, "TrainingParity 8", "TrainingParity 8 loss.backward", "OverlappedReduction", "PlainBackward", "CompressedGradients");

    [Theory]
    [InlineData(MpiProcesses.OpenMpi)]
    [InlineData(MpiProcesses.Mpich)]
    public async Task Training_WhatCommunicatesInBackward_EqualsOneProcess(string library) => await MpiProcesses.RequireSuccessAsync(
        library, 3, "SyncBatchNormVariants", "SyncBatchNormAgreement", "UnusedParameters", "JoinWithUnevenInputs 1,3,5", "ZeroRedundancyTraining adamw apart", "MixedPrecision");
}
