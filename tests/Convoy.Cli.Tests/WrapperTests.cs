namespace Convoy.Cli.Tests;

/// <summary>The wrapper in the root, run in a made-up clone with a stand-in for dotnet that writes down how it was called.</summary>
public sealed class WrapperTests : IDisposable
{
    private const string StandIn = """
        #!/bin/sh
        case $1 in
        --version) echo "${SDK_VERSION:-10.0.100}" ;;
        build)
            echo build >>"$CALLS"
            sleep "${BUILD_SECONDS:-0}"
            if [ -n "${BUILD_FAILS:-}" ]; then echo "Program.cs(1,1): error CS1002: ; expected"; exit 1; fi
            mkdir -p artifacts/bin/Convoy.Cli/release && : >artifacts/bin/Convoy.Cli/release/convoy.dll
            sleep "${BUILD_LINGERS:-0}"
            : >artifacts/bin/Convoy.Cli/release/convoy.deps.json ;;
        *) [ -e "${1%.dll}.deps.json" ] || exit 9; shift; for a in "$@"; do echo "[$a]"; done; echo "in $(pwd -P)"; exit "${PROGRAM_CODE:-0}" ;;
        esac
        """;

    private readonly string _temporary = Directory.CreateTempSubdirectory("convoy-wrapper-").FullName;
    private readonly string _clone;
    private readonly string _tools;
    private readonly string _calls;

    public WrapperTests()
    {
        _clone = Path.Combine(_temporary, "a clone");
        _tools = Path.Combine(_temporary, "tools");
        _calls = Path.Combine(_temporary, "calls");
        Directory.CreateDirectory(Path.Combine(_clone, "src", "Convoy.Cli"));
        Directory.CreateDirectory(Path.Combine(_clone, "eng"));
        Directory.CreateDirectory(_tools);
        File.WriteAllText(Path.Combine(_clone, "global.json"), "{}");
        File.WriteAllText(Path.Combine(_clone, "src", "Convoy.Cli", "Program.cs"), "");
        if (!OperatingSystem.IsWindows())
        {
            File.Copy(Path.Combine(RepositoryRoot(), "convoy"), Path.Combine(_clone, "convoy"));
            WriteTool("dotnet", StandIn);
        }
    }

    public void Dispose() => Directory.Delete(_temporary, recursive: true);

    [Fact]
    public async Task Run_FirstTime_BuildsOnceSaysSoAndPassesEverythingOn()
    {
        ProgramRun first = await RunAsync(["train", "--out", "my runs", "*", ""], ("PROGRAM_CODE", "7"));
        ProgramRun second = await RunAsync(["--help"]);

        Assert.Equal(7, first.ExitCode);
        Assert.Equal($"[train]\n[--out]\n[my runs]\n[*]\n[]\nin {_temporary}\n", first.Output);
        Assert.Equal("convoy: building (first run takes a minute) ...\n", first.Error);
        Assert.Equal(0, second.ExitCode);
        Assert.Empty(second.Error);
        Assert.Equal(1, Builds());
    }

    [Theory]
    [InlineData("src/Convoy.Cli/Program.cs")]
    [InlineData("global.json")]
    [InlineData("Directory.Build.props")]
    [InlineData("eng/Program.targets")]
    public async Task Run_FileNewerThanTheBuild_BuildsAgain(string changed)
    {
        await RunAsync(["x"]);
        string file = Path.Combine(_clone, changed);
        File.WriteAllText(file, "changed");
        File.SetLastWriteTimeUtc(file, File.GetLastWriteTimeUtc(Path.Combine(_clone, "artifacts/bin/Convoy.Cli/release/convoy.dll")).AddSeconds(1));

        await RunAsync(["x"]);

        Assert.Equal(2, Builds());
    }

    [Fact]
    public async Task Run_ThroughARelativeSymbolicLink_FindsTheClone()
    {
        SkipOnWindows();
        File.CreateSymbolicLink(Path.Combine(_temporary, "link"), "a clone/convoy");
        Directory.CreateDirectory(Path.Combine(_temporary, "bin"));
        File.CreateSymbolicLink(Path.Combine(_temporary, "bin", "convoy"), "../link");

        ProgramRun run = await ProgramRun.StartAsync(Path.Combine(_temporary, "bin", "convoy"), ["doctor"], _temporary, Environment());

        Assert.Equal(0, run.ExitCode);
        Assert.StartsWith("[doctor]\n", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Run_TwoAtOnce_BuildOnce(bool withFlock)
    {
        SkipOnWindows();
        IReadOnlyDictionary<string, string?> environment = withFlock ? Environment(("BUILD_SECONDS", "1")) : OnlyTools(("BUILD_SECONDS", "1"));
        string wrapper = Path.Combine(_clone, "convoy");

        ProgramRun[] runs = await Task.WhenAll(
            ProgramRun.StartAsync(wrapper, ["one"], _temporary, environment), ProgramRun.StartAsync(wrapper, ["two"], _temporary, environment));

        Assert.All(runs, r => Assert.Equal(0, r.ExitCode));
        Assert.Equal(1, Builds());
    }

    // As mpirun starts them: the program is there before all that it needs is.
    [Fact]
    public async Task Run_WhileAnotherStillBuilds_WaitsForTheWholeBuild()
    {
        Task<ProgramRun> first = RunAsync(["one"], ("BUILD_LINGERS", "3"));
        while (!File.Exists(Path.Combine(_clone, "artifacts", "bin", "Convoy.Cli", "release", "convoy.dll")))
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        ProgramRun second = await RunAsync(["two"]);

        Assert.Equal((0, 0), ((await first).ExitCode, second.ExitCode));
        Assert.Equal(1, Builds());
    }

    // Killed while it built, or a build that failed half-way.
    [Fact]
    public async Task Run_AfterABuildThatDidNotEnd_BuildsAgain()
    {
        await RunAsync(["x"]);
        File.WriteAllText(Path.Combine(_clone, "artifacts", "convoy-build.start"), "");

        ProgramRun run = await RunAsync(["x"]);

        Assert.Equal((0, 2), (run.ExitCode, Builds()));
        Assert.False(File.Exists(Path.Combine(_clone, "artifacts", "convoy-build.start")));
    }

    [Fact]
    public async Task Run_BuildFails_ShowsItsMessagesAndEndsWithCode1()
    {
        ProgramRun run = await RunAsync(["x"], ("BUILD_FAILS", "1"));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("error CS1002", run.Error, StringComparison.Ordinal);
        Assert.Contains("convoy: error: the build failed (exit code 1).", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    [Fact]
    public async Task Run_OldSdk_SaysWhatToInstall()
    {
        ProgramRun run = await RunAsync(["x"], ("SDK_VERSION", "8.0.404"));

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("convoy: error: Convoy is built with the .NET SDK 10 or later (found: 8.0.404). Install the .NET 10 SDK: https://dotnet.microsoft.com/download.\n", run.Error);
        Assert.Equal(0, Builds());
    }

    [Fact]
    public async Task Run_NoDotnet_SaysWhatToInstall()
    {
        SkipOnWindows();
        IReadOnlyDictionary<string, string?> environment = OnlyTools();
        File.Delete(Path.Combine(_tools, "dotnet"));

        ProgramRun run = await ProgramRun.StartAsync(Path.Combine(_clone, "convoy"), ["x"], _temporary, environment);

        Assert.Equal(1, run.ExitCode);
        Assert.Matches(@"^convoy: error: dotnet was not found on PATH\. Install the \.NET 10 SDK .*\n$", run.Error);
    }

    [Fact]
    public async Task Run_WithoutHome_StillRuns()
    {
        ProgramRun run = await RunAsync(["x"], ("HOME", null));

        Assert.Equal(0, run.ExitCode);
        Assert.True(Directory.Exists(Path.Combine(_clone, "artifacts", "home")));
    }

    private Task<ProgramRun> RunAsync(string[] arguments, params (string Name, string? Value)[] variables)
    {
        SkipOnWindows();
        return ProgramRun.StartAsync(Path.Combine(_clone, "convoy"), arguments, _temporary, Environment(variables));
    }

    private Dictionary<string, string?> Environment(params (string Name, string? Value)[] variables)
    {
        var environment = new Dictionary<string, string?> { ["CALLS"] = _calls, ["PATH"] = $"{_tools}:{System.Environment.GetEnvironmentVariable("PATH")}" };
        foreach ((string name, string? value) in variables)
        {
            environment[name] = value;
        }

        return environment;
    }

    // A PATH with nothing but what POSIX has: no flock, and no dotnet but the stand-in.
    private Dictionary<string, string?> OnlyTools(params (string Name, string? Value)[] variables)
    {
        foreach (string tool in (string[])["sh", "cat", "dirname", "find", "head", "mkdir", "readlink", "rm", "sleep", "touch"])
        {
            string found = System.Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(f => Path.Combine(f, tool)).First(File.Exists);
            File.CreateSymbolicLink(Path.Combine(_tools, tool), found);
        }

        return Environment([.. variables, ("PATH", _tools)]);
    }

    private int Builds() => File.Exists(_calls) ? File.ReadAllLines(_calls).Length : 0;

    private void WriteTool(string name, string text)
    {
        string path = Path.Combine(_tools, name);
        File.WriteAllText(path, text + "\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private static void SkipOnWindows() => Assert.SkipWhen(OperatingSystem.IsWindows(), "The wrapper is a POSIX shell script.");

    private static string RepositoryRoot()
    {
        DirectoryInfo at = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "Convoy.slnx")))
        {
            at = at.Parent!;
        }

        return at.FullName;
    }
}
