using Convoy.Cli.Launching;
using Convoy.Distributed.Launch;
using Convoy.Training;

namespace Convoy.Cli.Tests;

/// <summary><c>launch -- dotnet run</c> builds once, and then starts the processes without a build.</summary>
public sealed class DotnetRunTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("convoy-dotnet-run-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("run", "build")]
    [InlineData("run -c Release", "build -c Release")]
    [InlineData("run -c Release --project samples/a --no-restore -- -c Debug --project b", "build samples/a -c Release --no-restore")]
    [InlineData("run --project=samples/a --framework=net10.0 --launch-profile p -e A=b parallel 2", "build samples/a --framework=net10.0")]
    [InlineData("run -p samples/a -p:Define=X -v minimal", "build samples/a -p:Define=X -v minimal")]
    public void Of_DotnetRun_BuildsTheSameFirst(string arguments, string build)
    {
        string[] words = arguments.Split(' ');
        DotnetRun run = DotnetRun.Find(new LaunchProgram("/usr/bin/dotnet", words))!;

        Assert.Equal($"dotnet {build}", run.BuildCommand);
        Assert.Equal("/usr/bin/dotnet", run.Program.FileName);
        Assert.Equal(["run", "--no-build", .. words[1..]], run.Program.Arguments);
    }

    [Theory]
    [InlineData("dotnet", "train.dll")]
    [InlineData("dotnet", "run --help")]
    [InlineData("dotnet", "")]
    [InlineData("./run", "run")]
    public void Of_AnythingElse_BuildsNothing(string program, string arguments) =>
        Assert.Null(DotnetRun.Find(new LaunchProgram(program, arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries))));

    [Fact]
    public void Of_DotnetRunThatDoesNotBuild_LeavesItAsItIs()
    {
        DotnetRun run = DotnetRun.Find(new LaunchProgram("dotnet", ["run", "--no-build", "-c", "Release"]))!;

        Assert.False(run.Builds);
        Assert.Equal(["run", "--no-build", "-c", "Release"], run.Program.Arguments);
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Launch_DotnetRunBesideASolution_RunsTheProjectAsDotnetRunDoes()
    {
        Repetitions.RequireAll();
        Write("System.Console.WriteLine(\"hello\");");
        File.WriteAllText(Path.Combine(_folder, "all.slnx"), "<Solution />");

        ProgramRun run = await LaunchAsync("--nproc", "2", "--no-prefix", "--", "dotnet", "run");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal("hello\nhello\n", run.Output);
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Launch_DotnetRunWithALaunchProfile_HasItsEnvironment()
    {
        Repetitions.RequireAll();
        Write("System.Console.WriteLine(System.Environment.GetEnvironmentVariable(\"FROM_PROFILE\") + string.Join(' ', args));");
        Directory.CreateDirectory(Path.Combine(_folder, "Properties"));
        File.WriteAllText(
            Path.Combine(_folder, "Properties", "launchSettings.json"),
            """{"profiles": {"one": {"commandName": "Project", "environmentVariables": {"FROM_PROFILE": "1"}}, "two": {"commandName": "Project", "environmentVariables": {"FROM_PROFILE": "2"}}}}""");

        ProgramRun run = await LaunchAsync("--nproc", "1", "--no-prefix", "--", "dotnet", "run", "-lp", "two", "--", "x");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("2x\n", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("there are several projects to run (hello.csproj, other.fsproj in {0}). Give --project FILE.", "run")]
    [InlineData("there is no project to run ({0}/none). Give --project FILE, or change to the project's folder.", "run", "--project", "none")]
    public async Task Launch_DotnetRunOfNotOneProject_IsRefused(string expected, params string[] words)
    {
        Write("");
        File.WriteAllText(Path.Combine(_folder, "other.fsproj"), "<Project />");

        ProgramRun run = await LaunchAsync(["--nproc", "2", "--", "dotnet", .. words]);

        Assert.Equal(2, run.ExitCode);
        Assert.EndsWith($"convoy: error: {string.Format(System.Globalization.CultureInfo.InvariantCulture, expected, _folder)}\n", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Find_DotnetRun_BuildsItAndStartsWhatItBuilt()
    {
        Write("System.Console.WriteLine(1);");

        var given = await GivenProgram.FindAsync(["dotnet", "run", "--project", _folder, "-p:DefineConstants=X", "a", "--", "-c", "b"], TestContext.Current.CancellationToken);

        string assembly = Path.Combine(_folder, "bin", "Debug", "net10.0", "hello.dll");
        Assert.Equal(Convoy.Training.Workers.ProgramKind.Other, given.Kind);
        Assert.Equal("dotnet", given.Program.FileName);
        Assert.Equal([assembly, "a", "-c", "b"], given.Program.Arguments);
        Assert.Equal(["dotnet", "run", "--project", _folder, "-p:DefineConstants=X", "a", "--", "-c", "b"], given.Words);

        GivenProgram again = await GivenProgram.FindAsync(["dotnet", "run", "--no-build", "--project", _folder, "-e", "A=1"], TestContext.Current.CancellationToken);
        Assert.Equal(["run", "--no-build", "--project", _folder, "-e", "A=1"], again.Program.Arguments);

        // A profile sets the program's environment; it lies in the folder that is given.
        Directory.CreateDirectory(Path.Combine(_folder, "Properties"));
        File.WriteAllText(Path.Combine(_folder, "Properties", "launchSettings.json"), """{"profiles": {"one": {"commandName": "Project"}}}""");
        GivenProgram withProfile = await GivenProgram.FindAsync(["dotnet", "run", "--no-build", "--project", _folder], TestContext.Current.CancellationToken);
        Assert.Equal(["run", "--no-build", "--project", _folder], withProfile.Program.Arguments);
    }

    [Fact]
    public async Task Find_DotnetRunWithoutABuildThatWasNeverBuilt_SaysSo()
    {
        Write("System.Console.WriteLine(1);");

        BadInputException error = await Assert.ThrowsAsync<BadInputException>(() => GivenProgram.FindAsync(["dotnet", "run", "--no-build", "--project", _folder], TestContext.Current.CancellationToken));

        Assert.StartsWith("the project's program is not there", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("Leave out --no-build, or build it before.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Launch_DotnetRun_BuildsOnceAndRunsOnEveryRank()
    {
        Write("""
            using System;
            Console.WriteLine($"rank {Environment.GetEnvironmentVariable("RANK")} has {string.Join(' ', args)}");
            """);

        ProgramRun run = await LaunchAsync("--nproc", "2", "--", "dotnet", "run", "-c", "Release", "--project", "hello.csproj", "--", "-c", "x");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(["[rank 0] rank 0 has -c x", "[rank 1] rank 1 has -c x"], run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
        Assert.Equal($"convoy: building once for all processes: dotnet build hello.csproj -c Release\n", run.Error);
    }

    [Fact]
    public async Task Launch_DotnetRunThatDoesNotBuild_SaysSoOnce()
    {
        Write("this is no program");

        ProgramRun run = await LaunchAsync("--nproc", "2", "--", "dotnet", "run");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("error CS", run.Error, StringComparison.Ordinal);
        Assert.EndsWith($"convoy: error: the program does not build (dotnet build). The messages above say why.\n", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    private void Write(string program)
    {
        // Whatever lies above the folder for temporary files is not for this program.
        foreach (string name in (string[])["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"])
        {
            File.WriteAllText(Path.Combine(_folder, name), "<Project />");
        }

        File.WriteAllText(
            Path.Combine(_folder, "hello.csproj"),
            """<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><UseAppHost>false</UseAppHost></PropertyGroup></Project>""");
        File.WriteAllText(Path.Combine(_folder, "hello.cs"), program);
    }

    private Task<ProgramRun> LaunchAsync(params string[] arguments) => ProgramRun.StartAsync(
        "dotnet", [Path.Combine(AppContext.BaseDirectory, "convoy.dll"), "launch", .. arguments], _folder);
}
