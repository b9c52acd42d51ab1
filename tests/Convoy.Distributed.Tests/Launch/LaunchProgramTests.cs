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
    public void Spawn_ThisTestHost_RunsItAgain()
    {
        LaunchResult result = Launcher.Spawn(2, "--info");

        Assert.Equal([0, 0], result.ExitCodes);
    }
}
