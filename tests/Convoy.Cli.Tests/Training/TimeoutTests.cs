namespace Convoy.Cli.Tests.Training;

/// <summary>The library names what its caller sets; the program's user sets options.</summary>
public sealed class TimeoutTests
{
    [Fact]
    public async Task Train_TimeOutThatNobodyMeets_NamesTheOption()
    {
        string output = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            ProgramRun run = await ProgramRun.ConvoyAsync(
                "train", "--data", "synthetic", "--out", output, "--nproc", "2", "--threads", "1", "--image-size", "96x64", "--steps", "1", "--timeout", "0.00001");

            Assert.Equal(1, run.ExitCode);
            Assert.Contains("give a longer --timeout.", run.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("process group", run.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("MASTER_", run.Error, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(output, recursive: true);
        }
    }
}
