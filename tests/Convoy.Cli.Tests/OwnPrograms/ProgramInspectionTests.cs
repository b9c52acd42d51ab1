using Convoy.Distributed.Launch;
using Convoy.Training;
using Convoy.Training.Workers;

namespace Convoy.Cli.Tests.OwnPrograms;

/// <summary>Which programs have a task is told by their files.</summary>
public sealed class ProgramInspectionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("convoy-inspect-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("dotnet OwnModel.dll --pictures 128")]
    [InlineData("dotnet exec OwnModel.dll")]
    [InlineData("dotnet --roll-forward Major TwoInputs.dll")]
    [InlineData("env OMP_NUM_THREADS=1 dotnet TwoInputs.dll")]
    public void KindOf_ProgramWhoseMainRunsATask_IsTask(string words) => Assert.Equal(ProgramKind.Task, Kind(words));

    [Theory]
    [InlineData("dotnet Convoy.Training.dll")]
    [InlineData("dotnet Spectre.Console.dll OwnModel.dll")]
    [InlineData("sh OwnModel.dll")]
    [InlineData("env A=1 sh -c true")]
    [InlineData("dotnet --info")]
    [InlineData("dotnet")]
    public void KindOf_AnythingElse_IsOther(string words)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs a POSIX shell.");
        Assert.Equal(ProgramKind.Other, Kind(words));
    }

    [Fact]
    public void KindOf_ProgramsOwnFile_LooksAtTheAssemblyBesideIt()
    {
        string program = Path.Combine(_folder, "train");
        File.WriteAllText(program, "#!/bin/sh\n");
        Assert.Equal(ProgramKind.Other, ProgramInspection.KindOf(new LaunchProgram(program, [])));

        File.Copy(Path.Combine(AppContext.BaseDirectory, "OwnModel.dll"), program + ".dll");
        Assert.Equal(ProgramKind.Task, ProgramInspection.KindOf(new LaunchProgram(program, [])));

        File.WriteAllText(program + ".dll", "MZ and nothing more");
        Assert.Equal(ProgramKind.Other, ProgramInspection.KindOf(new LaunchProgram(program, [])));
    }

    [Theory]
    [InlineData("/absent/program", "there is no such program (/absent/program). Check its path.")]
    [InlineData("convoy-no-such-program x", "there is no such program here or in PATH (convoy-no-such-program). Check its path.")]
    [InlineData("dotnet absent.dll", "there is no such program (absent.dll). Build it, or check its path.")]
    public void KindOf_ProgramThatIsNotThere_Throws(string words, string expected)
    {
        string[] parts = words.Split(' ');
        Assert.Equal(expected, Assert.Throws<BadInputException>(() => ProgramInspection.KindOf(new LaunchProgram(parts[0], parts[1..]))).Message);
    }

    private static ProgramKind Kind(string words)
    {
        string[] parts = [.. words.Split(' ').Select(word => word.EndsWith(".dll", StringComparison.Ordinal) ? Path.Combine(AppContext.BaseDirectory, word) : word)];
        return ProgramInspection.KindOf(new LaunchProgram(parts[0], parts[1..]));
    }
}
