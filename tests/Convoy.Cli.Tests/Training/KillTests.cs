using System.Globalization;

namespace Convoy.Cli.Tests.Training;

/// <summary>A sample of what tests/Convoy.Stress tries two hundred times: runs killed at random moments are resumed to the bits of the unbroken run.</summary>
public sealed class KillTests
{
    [Fact]
    [Trait("Repeats", "more")]
    public async Task Train_KilledAtRandomMomentsAndResumed_EndsAsTheUnbrokenRunAndLeavesNothing()
    {
        Repetitions.RequireAll();
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs SIGKILL and /proc.");

        ProgramRun run = await ProgramRun.StartAsync(
            "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "Convoy.Stress.dll"), "kills", "--count", Repetitions.Of(3, 6).ToString(CultureInfo.InvariantCulture), "--seed", "1", "--aim-checkpoints", "0.5"],
            patience: TimeSpan.FromMinutes(15));

        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Assert.Matches(@"\n[3-9] kills \(\d in a checkpoint's writing\) of \d+ runs, \d+ resumes, 0 runs failed", run.Output);
    }
}
