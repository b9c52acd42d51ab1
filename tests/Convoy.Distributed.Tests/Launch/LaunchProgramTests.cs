using Convoy.Distributed.Launch;

namespace Convoy.Distributed.Tests.Launch;

public sealed class LaunchProgramTests
{
    [Fact]
    public void ThisProgram_OwnExecutable_RunsItWithTheArguments()
    {
        LaunchProgram program = LaunchProgram.ThisProgram("/opt/convoy", "/opt/convoy.dll", ["train"]);

        Assert.Equal("/opt/convoy", program.FileName);
        Assert.Equal(["train"], program.Arguments);
    }

    [Fact]
    public void ThisProgram_RunByDotnet_NamesTheAssemblyFirst()
    {
        LaunchProgram program = LaunchProgram.ThisProgram("/usr/bin/dotnet", "/opt/convoy.dll", ["train"]);

        Assert.Equal("/usr/bin/dotnet", program.FileName);
        Assert.Equal(["/opt/convoy.dll", "train"], program.Arguments);
    }

    [Fact]
    public void ThisProgram_SingleFile_RunsIt()
    {
        LaunchProgram program = LaunchProgram.ThisProgram("/opt/dotnet", string.Empty, ["train"]);

        Assert.Equal(["train"], program.Arguments);
    }

    [Fact]
    public async Task ThisProgram_InThisTestHost_RunsItAgain()
    {
        var lines = new List<string>();
        var launcher = new Launcher(new LauncherOptions { Program = LaunchProgram.ThisProgram("--help"), ProcessCount = 1, OnOutput = l => lines.Add(l.Text) });

        await launcher.RunAsync(TestContext.Current.CancellationToken);

        Assert.Contains(lines, l => l.Contains("xUnit.net", StringComparison.Ordinal));
    }

    [Fact]
    public void Spawn_ThisTestHostWithAnUnknownOption_GivesItsFailure()
    {
        LaunchResult result = Launcher.Spawn(2, "--convoy-no-such-option");

        Assert.Equal(2, result.ExitCodes.Count);
        Assert.NotNull(result.Failure);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(result.Failure.LastLines, line => line.Contains("unknown option: --convoy-no-such-option", StringComparison.Ordinal));
        Assert.Contains("Its last lines:", result.ToString(), StringComparison.Ordinal);
    }
}
