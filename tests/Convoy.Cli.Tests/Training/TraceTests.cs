using System.Text.Json;

namespace Convoy.Cli.Tests.Training;

/// <summary><c>train --trace</c>.</summary>
public sealed class TraceTests(TrainingFixture fixture) : IClassFixture<TrainingFixture>
{
    [Fact]
    public async Task Train_Traced_LeavesOneTimeLineOfTheStepsOnAllProcesses()
    {
        string output = fixture.At("traced");
        ProgramRun run = await ProgramRun.ConvoyAsync(fixture.Arguments(output, 2, "--steps", "4", "--trace", "2-3"));

        Assert.True(run.ExitCode == 0, $"exit code {run.ExitCode}: {run.Error}{run.Output}");
        Assert.Contains("  trace.json  a time line of some steps;", run.Output, StringComparison.Ordinal);
        JsonElement[] events = [.. TrainingFixture.Json(Path.Combine(output, "trace.json")).GetProperty("traceEvents").EnumerateArray().Where(item => item.GetProperty("ph").GetString() == "X")];
        for (int rank = 0; rank < 2; rank++)
        {
            string[] names = [.. events.Where(item => item.GetProperty("pid").GetInt32() == rank).Select(item => item.GetProperty("name").GetString()!)];
            Assert.Equal(["step 2", "step 3"], names.Where(name => name.StartsWith("step ", StringComparison.Ordinal)));
            foreach (string phase in (string[])["data", "forward", "backward", "exposed communication", "optimizer", "agree"])
            {
                Assert.Equal(2, names.Count(name => name == phase));
            }

            Assert.Contains(names, name => name.StartsWith("AllReduce ", StringComparison.Ordinal));
        }

        Assert.Empty(Directory.GetFiles(Path.Combine(output, "logs"), "trace-*"));
    }

    [Fact]
    public async Task Train_TraceOfNoSteps_IsBadUsage()
    {
        ProgramRun run = await ProgramRun.ConvoyAsync(fixture.Arguments(fixture.At("untraced"), 1, "--trace", "5-3"));

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith("convoy: error: not a range of steps (5-3). Give --trace", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(fixture.At("untraced")));
    }
}
