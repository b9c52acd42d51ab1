using System.Globalization;

namespace Convoy.Distributed.ParallelTests;

/// <summary>Ranks of an MPI launcher on this machine: the group that they get, and the hierarchical one with MPI between hosts that they are made to believe in.</summary>
[Trait("Subject", "Processes")]
[Trait("Repeats", "more")]
public class HierarchicalOverMpiTests
{
    public HierarchicalOverMpiTests() => Repetitions.RequireAll();

    [Theory]
    [InlineData(MpiProcesses.OpenMpi, "hosts=0,0,1,1")]
    [InlineData(MpiProcesses.OpenMpi, "hosts=0,0,1")]
    [InlineData(MpiProcesses.Mpich, "hosts=0,0,1,1")]
    [InlineData(MpiProcesses.Mpich, "hosts=0,0,1,0")]
    public async Task Collectives_AnyTypeSizeLayoutAndOrder_GiveClosedForms(string library, string hosts) => await RequireSuccessAsync(
        library, hosts, "Collectives", "MovingCollectives", "Messages", "SubGroups", "Asynchronous", "ObjectCollectives", "RandomCollectives 970000 32");

    [Theory]
    [InlineData(MpiProcesses.OpenMpi, "hosts=0,0,1,1")]
    [InlineData(MpiProcesses.Mpich, "hosts=0,0,1")]
    public async Task Training_RanksOnSeveralHosts_IsThatOfOneProcess(string library, string hosts) =>
        await RequireSuccessAsync(library, hosts, "TrainingParity 20", "ZeroRedundancyTraining fused", "SyncBatchNormVariants");

    [Theory]
    [InlineData(MpiProcesses.OpenMpi, "auto", "ProcessGroupSharedMemory")]
    [InlineData(MpiProcesses.OpenMpi, "hierarchical", "ProcessGroupSharedMemory")]
    [InlineData(MpiProcesses.OpenMpi, "mpi", "ProcessGroupMpi")]
    [InlineData(MpiProcesses.Mpich, "auto", "ProcessGroupSharedMemory")]
    [InlineData(MpiProcesses.Mpich, "shared-memory", "ProcessGroupSharedMemory")]
    [InlineData(MpiProcesses.Mpich, "mpi", "ProcessGroupMpi")]
    public async Task FromEnvironment_RanksOfOneHost_GetTheBackendAskedFor(string library, string backend, string type)
    {
        MpiResult result = await MpiProcesses.RunAsync(library, 3, ["ChosenBackend", type], environment: new KeyValuePair<string, string>("CONVOY_BACKEND", backend));
        Assert.True(result.ExitCode == 0, result.Output);
    }

    [Theory]
    [InlineData(MpiProcesses.OpenMpi)]
    [InlineData(MpiProcesses.Mpich)]
    public async Task Collective_RankKilled_NoRankIsLeft(string library)
    {
        MpiResult result = await MpiProcesses.RunAsync(library, 4, ["LostPeer", "hosts=0,0,1,1"]);
        Assert.NotEqual(0, result.ExitCode);
    }

    [Fact]
    public async Task FromEnvironment_NoSuchBackend_SaysWhichThereAre()
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("ChosenBackend", 2, ["none"], environment: [new("CONVOY_BACKEND", "gloo")]);
        Assert.All(results, result => Assert.Contains("environment variable CONVOY_BACKEND is invalid (gloo). Set it to one of auto, shared-memory, mpi, hierarchical", result.Errors, StringComparison.Ordinal));
    }

    [Fact]
    public async Task FromEnvironment_SharedMemoryOverSeveralHosts_SaysWhatToChoose()
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("ChosenBackend", 2, ["none"], environment: [new("CONVOY_BACKEND", "shared-memory"), new("LOCAL_WORLD_SIZE", "1"), new("LOCAL_RANK", "0")], ofRank: _ => [new("LOCAL_RANK", "0")]);
        Assert.All(results, result => Assert.Contains("which shared memory cannot join. Choose the backend auto or hierarchical (CONVOY_BACKEND)", result.Errors, StringComparison.Ordinal));
    }

    private static async Task RequireSuccessAsync(string library, string hosts, params string[] scenarios) =>
        await MpiProcesses.RequireSuccessAsync(library, hosts.Count(letter => letter == ',') + 1, [.. scenarios.Select(scenario => string.Create(CultureInfo.InvariantCulture, $"{scenario} {hosts}"))]);
}
