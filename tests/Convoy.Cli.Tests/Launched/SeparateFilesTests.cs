using System.Globalization;
using Convoy.Cli.Tests.Training;

namespace Convoy.Cli.Tests.Launched;

/// <summary>
/// Ranks whose hosts have no file system in common: a rank in a mount namespace of its own sees an empty folder where rank 0 has the runs. The test program Convoy.Hosts.Tests has hosts that have nothing in common.
/// </summary>
public sealed class SeparateFilesTests : IClassFixture<TrainingFixture>
{
    private readonly TrainingFixture _fixture;
    private readonly string _runs;

    public SeparateFilesTests(TrainingFixture fixture)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs mount namespaces.");
        _fixture = fixture;
        _runs = Directory.CreateDirectory(fixture.At("runs")).FullName;
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Train_DataDrawnInTheRunsFolder_IsDrawnOnEachHostAndTheRunIsWhole()
    {
        Repetitions.RequireAll();
        await RequireNamespacesAsync();
        string apart = Path.Combine(_runs, "drawn"), together = _fixture.At("drawn-together");
        string[] settings = ["--image-size", "64x32", "--steps", "4", "--schedule-steps", "6", "--val-split", "0", "--checkpoint-every", "2", "--eval-every", "2"];
        HashSet<string> temporary = TemporaryFolders();

        ProgramRun[] ranks = await LaunchedRanks.RunAsync(3, Arguments("synthetic", apart, settings), Apart);

        Assert.All(ranks, rank => Assert.Equal((0, string.Empty), (rank.ExitCode, rank.Error)));
        Assert.All([0, 1, 2], rank => Assert.Equal([1, 2, 3, 4], TrainingFixture.Steps(apart, rank).Select(step => step.Step)));
        Assert.All([0, 1, 2], rank => Assert.All(TrainingFixture.Steps(apart, rank), step => Assert.Equal(rank, step.Rank)));

        // The checkpoint with the ranks' random generators comes to them from rank 0.
        ProgramRun[] resumed = await LaunchedRanks.RunAsync(3, ["train", "--resume", apart, "--steps", "6"], Apart);
        ProgramRun[] expected = await LaunchedRanks.RunAsync(3, Arguments("synthetic", together, [.. settings, "--steps", "6"]));

        Assert.All([.. resumed, .. expected], rank => Assert.Equal((0, string.Empty), (rank.ExitCode, rank.Error)));
        LaunchedTrainingTests.AssertSame(together, apart);
        Assert.All([0, 1, 2], rank => Assert.Equal(LaunchedTrainingTests.Losses(together, rank), LaunchedTrainingTests.Losses(apart, rank)));
        Assert.Equal(temporary, TemporaryFolders());
    }

    [Fact]
    public async Task Train_DataMissingOnAHost_SaysOnWhichAndLeavesNothing()
    {
        await RequireNamespacesAsync();
        string output = Path.Combine(_runs, "missing"), data = Path.Combine(_runs, "data");
        Directory.Move(_fixture.Data, data);
        try
        {
            ProgramRun[] ranks = await LaunchedRanks.RunAsync(2, Arguments(data, output, "--steps", "2"), Apart);

            Assert.All(ranks, rank => Assert.Equal((2, string.Empty), (rank.ExitCode, rank.Output)));
            Assert.Empty(ranks[0].Error);
            Assert.StartsWith($"convoy: error: rank 1 on {Environment.MachineName}: the data folder does not exist ({data}).", Assert.Single(ranks[1].Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
            Assert.False(Path.Exists(output));
        }
        finally
        {
            Directory.Move(data, _fixture.Data);
        }
    }

    private static string[] Arguments(string data, string output, params string[] more) => LaunchedTrainingTests.Arguments(data, output, ["--fuse", "fixed", "--batch-size", "6", .. more]);

    private static HashSet<string> TemporaryFolders() => [.. Directory.GetDirectories(Path.GetTempPath(), "convoy-run-*")];

    // Each rank but the first has files of its own there.
    private string[] Apart(int rank, string[] words) =>
        rank == 0 ? words : ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none \"$0\" && exec \"$@\"", _runs, .. words];

    private async Task RequireNamespacesAsync()
    {
        ProgramRun trial;
        try
        {
            trial = await ProgramRun.StartAsync("unshare", Apart(1, ["true"])[1..]);
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            Assert.Skip(string.Create(CultureInfo.InvariantCulture, $"There is no unshare: {error.Message}"));
            return;
        }

        Assert.SkipUnless(trial.ExitCode == 0, $"This user may not make mount namespaces: {trial.Error}");
    }
}
