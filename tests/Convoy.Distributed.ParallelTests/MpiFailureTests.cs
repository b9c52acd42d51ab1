namespace Convoy.Distributed.ParallelTests;

/// <summary>What becomes of an MPI job when something goes wrong: it ends within seconds, says why, and leaves no process behind (which <see cref="MpiProcesses"/> looks after).</summary>
[Trait("Subject", "Processes")]
public class MpiFailureTests
{
    // Starting the processes included; the groups' own timeouts are 60 s and more.
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(40);

    [Theory]
    [InlineData(MpiProcesses.OpenMpi)]
    [InlineData(MpiProcesses.Mpich)]
    public async Task Rank_Killed_TheLauncherEndsTheOthers(string library)
    {
        MpiResult result = await MpiProcesses.RunAsync(library, 3, ["LostPeer"]);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("signal 9", result.Output, StringComparison.Ordinal);
        Assert.True(result.Took < Soon, "took too long");
    }

    [Fact]
    public async Task Rank_KilledUnderALauncherThatLetsTheOthersRun_IsNamedByThem()
    {
        MpiResult result = await MpiProcesses.RunAsync(MpiProcesses.OpenMpi, 3, ["LostPeer"], ["--enable-recovery"]);
        Assert.Equal(2, result.Output.Split("PeerLostException: Barrier: the process of rank 2 (process ").Length - 1);
        Assert.True(result.Took < Soon, "took too long");
    }

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData(MpiProcesses.OpenMpi)]
    [InlineData(MpiProcesses.Mpich)]
    public async Task Rank_Late_IsNamedWhenTheTimeIsOver(string library)
    {
        Repetitions.RequireAllUnless(library == MpiProcesses.OpenMpi);
        MpiResult result = await MpiProcesses.RunAsync(library, 3, ["LatePeer", "4"]);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("CollectiveTimeoutException: Barrier: rank 2 did not arrive within 4 s", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData(MpiProcesses.OpenMpi)]
    [InlineData(MpiProcesses.Mpich)]
    public async Task Rank_Throws_HasLeftTheGroupForTheOthers(string library)
    {
        Repetitions.RequireAllUnless(library == MpiProcesses.OpenMpi);
        MpiResult result = await MpiProcesses.RunAsync(library, 4, ["ThrowingPeer"]);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("bad data", result.Output, StringComparison.Ordinal);
        Assert.Matches(@"PeerLostException: Barrier: rank 3 \(process \d+\) has left the group", result.Output);
        Assert.True(result.Took < Soon, "took too long");
    }

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData(MpiProcesses.OpenMpi)]
    [InlineData(MpiProcesses.Mpich)]
    public async Task Rank_Stopped_IsNamedAndLearnsThatItWasGivenUp(string library)
    {
        Repetitions.RequireAllUnless(library == MpiProcesses.OpenMpi);
        MpiResult result = await MpiProcesses.RunAsync(library, 3, ["StoppedPeer"]);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Matches(@"rank [01] \(process \d+\) has given up: Barrier: rank 2 did not arrive within 4 s", result.Output);
    }

    [Theory]
    [InlineData(MpiProcesses.OpenMpi)]
    [InlineData(MpiProcesses.Mpich)]
    public async Task Process_WithMpi_KeepsItsExceptionsAndEndsInOrder(string library)
    {
        MpiResult result = await MpiProcesses.RunAsync(library, 2, ["MpiInProcess"]);
        Assert.True(result.ExitCode == 0, result.Output);
        Assert.Contains("rank 0 ends", result.Output, StringComparison.Ordinal);
        Assert.Contains("rank 1 ends", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(MpiProcesses.OpenMpi, "libmpich.so.12", "(libmpich.so.12) does not go with the launcher, which is Open MPI's. ")]
    [InlineData(MpiProcesses.Mpich, "libmpi.so.40", "(libmpi.so.40) does not go with the launcher, which is MPICH's. ")]
    [InlineData(MpiProcesses.OpenMpi, "/no/such.so", "MpiException: the MPI library of CONVOY_MPI_LIBRARY cannot be loaded (/no/such.so: ")]
    [InlineData(MpiProcesses.Mpich, "libc.so.6", "MpiException: the MPI library lacks a function of MPI 3.0 (MPI_Get_library_version in libc.so.6). ")]
    public async Task Join_LibraryDoesNotFit_SaysSo(string library, string file, string message)
    {
        MpiProcesses.RequireInstalled(MpiProcesses.OpenMpi);
        MpiProcesses.RequireInstalled(MpiProcesses.Mpich);
        MpiResult result = await MpiProcesses.RunAsync(library, 2, ["MpiInProcess"], environment: new KeyValuePair<string, string>("CONVOY_MPI_LIBRARY", file));
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(message, result.Output, StringComparison.Ordinal);
    }
}
