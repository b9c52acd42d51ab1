using Convoy.Cli.Tests.Training;

namespace Convoy.Cli.Tests.Launched;

/// <summary>Training under the launchers of both MPI libraries, on one machine.</summary>
public sealed class MpirunTests(TrainingFixture fixture) : IClassFixture<TrainingFixture>
{
    private static readonly Dictionary<string, string[]> Launchers = new()
    {
        ["mpirun.openmpi"] = ["--allow-run-as-root", "--oversubscribe", "-n"],
        ["mpirun.mpich"] = ["-n"],
    };

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData("mpirun.openmpi")]
    [InlineData("mpirun.mpich")]
    public async Task Train_UnderMpirun_TrainsTheRunOfItsOwnProcessesBitForBit(string launcher)
    {
        Repetitions.RequireAllUnless(launcher == "mpirun.openmpi");
        Assert.SkipUnless((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, launcher))), $"There is no {launcher}.");
        string own = await fixture.SharedAsync(2, 10), output = fixture.At(launcher);

        ProgramRun run = await ProgramRun.StartAsync(launcher, [.. Launchers[launcher], "2", "dotnet", Path.Combine(AppContext.BaseDirectory, "convoy.dll"), .. LaunchedTrainingTests.Arguments(fixture.Data, output, "--steps", "10")]);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.StartsWith("Training on 2 processes x 1 thread: 24 frames", run.Output, StringComparison.Ordinal);
        Assert.Single(run.Output.Split('\n'), line => line.StartsWith("step 10/10  ", StringComparison.Ordinal));
        Assert.DoesNotContain('\e', run.Output);
        LaunchedTrainingTests.AssertSame(own, output);
    }
}
