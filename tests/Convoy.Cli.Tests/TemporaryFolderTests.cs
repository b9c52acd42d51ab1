namespace Convoy.Cli.Tests;

/// <summary>TMPDIR names what cannot be used.</summary>
public sealed class TemporaryFolderTests
{
    private static readonly Dictionary<string, string?> Missing = new() { ["TMPDIR"] = "/nonexistent" };

    public TemporaryFolderTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs TMPDIR and /tmp or /dev/shm.");
    }

    [Fact]
    public async Task Launch_FolderIsMissing_TakesAnotherAndSaysSo()
    {
        ProgramRun run = await ProgramRun.StartAsync(Path.Combine(AppContext.BaseDirectory, "convoy"), ["launch", "--nproc", "2", "--", "true"], environment: Missing);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("convoy: temporary files go to /tmp (TMPDIR=/nonexistent: there is no such folder). Set TMPDIR to an existing folder that you may write to.\n", run.Error);
    }

    [Fact]
    public async Task Doctor_FolderIsMissing_Warns()
    {
        ProgramRun run = await ProgramRun.StartAsync(Path.Combine(AppContext.BaseDirectory, "convoy"), ["doctor"], environment: Missing);

        Assert.Contains(
            "warning: temporary files cannot be written where the system wants them (TMPDIR=/nonexistent: there is no such folder). Convoy takes /tmp or /dev/shm instead; set TMPDIR to a folder that exists, that you may write and that has room.\n",
            run.Output,
            StringComparison.Ordinal);
    }
}
