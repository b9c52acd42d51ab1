using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Convoy.Distributed.Launch;

namespace Convoy.Distributed.ParallelTests;

/// <summary>Programs whose Main is <see cref="DistributedProgram"/>, started as a person or a launcher starts them.</summary>
[Trait("Subject", "Processes")]
public class DistributedProgramTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(80);

    private static string Dotnet => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    private static string Worker => Path.Combine(AppContext.BaseDirectory, "Convoy.Distributed.ParallelTests.Worker.dll");

    [Fact]
    public async Task Run_StartedAlone_IsOneProcess() => Assert.Equal(new Ended(0, "rank 0 of 1\n", ""), await RunAsync("alone"));

    [Fact]
    public async Task Run_SeveralProcesses_StartsItselfAndShowsRanks() => Assert.Equal(new Ended(0, "[rank 0] sum 3 of 2\n", ""), await RunAsync("two"));

    [Fact]
    public void Run_UnderALauncher_HasTheLaunchersNumberOfProcesses()
    {
        List<string> lines = [];
        LaunchResult result = Launcher.Spawn(
            new LauncherOptions { Program = new LaunchProgram(Dotnet, ["exec", Worker, "program", "two"]), ProcessCount = 3, OnOutput = line => lines.Add(line.ToString()) },
            TestContext.Current.CancellationToken);

        Assert.Equal("3 processes ended with exit code 0", result.ToString());
        Assert.Equal(["[rank 0] sum 6 of 3"], lines);
    }

    [Fact]
    public void Run_LaunchedByAWorkerOfAnotherProgram_IsNotTakenForItsWorker()
    {
        List<string> lines = [];
        LaunchResult result = Launcher.Spawn(
            new LauncherOptions
            {
                Program = new LaunchProgram(Dotnet, ["exec", Worker, "program", "two"]),
                ProcessCount = 2,
                Environment = new Dictionary<string, string> { ["CONVOY_SPAWNED_BY"] = "1 Other.cs:7" },
                OnOutput = line => lines.Add(line.ToString()),
            },
            TestContext.Current.CancellationToken);

        Assert.Equal("2 processes ended with exit code 0", result.ToString());
        Assert.Equal(["[rank 0] sum 3 of 2"], lines);
    }

    [Fact]
    public async Task Run_RankThrows_NamesItAndItsException()
    {
        Ended ended = await RunAsync("fails");

        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("[rank 1] convoy: error: System.InvalidOperationException: boom\n[rank 1]    at ", ended.Errors, StringComparison.Ordinal);
        Assert.Matches(@"\nconvoy: error: rank 1 \(pid \d+\) failed with exit code 1: boom\. Its last lines:\n\[rank 1\] convoy: error: System\.InvalidOperationException: boom\n", ended.Errors);
    }

    [Fact]
    public async Task Run_RankDoesNotComeInTheTimeOfTheOptions_IsNamed()
    {
        Ended ended = await RunAsync("late");

        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("Barrier: rank 1 did not arrive within 2 s.", ended.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_RankLosesAnotherInPlainBackward_IsNoRootCause()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Plain backward averages on Linux.");
        LaunchResult result = Launcher.Spawn(
            new LauncherOptions { Program = new LaunchProgram(Dotnet, ["exec", Worker, "program", "loses-a-rank"]), ProcessCount = 2, OnOutput = _ => { } },
            TestContext.Current.CancellationToken);

        WorkerFailure failure = Assert.Single(result.Failures);
        Assert.Equal(0, failure.Rank);
        Assert.Contains("rank 1", failure.Message, StringComparison.Ordinal);
        Assert.StartsWith("System.Runtime.InteropServices.ExternalException", failure.Callstack, StringComparison.Ordinal);
        Assert.True(failure.LostPeer, "the rank that lost another one counts as the root cause");
    }

    [Fact]
    public async Task Run_ThrowsAlone_TellsTheException()
    {
        Ended ended = await RunAsync("alone-fails");
        Assert.Equal((1, ""), (ended.ExitCode, ended.Output));
        Assert.StartsWith("convoy: error: System.ArgumentException: boom\n   at ", ended.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_RankGivesACode_IsTheExitCodeAndOptionsHold()
    {
        DirectoryInfo logs = Directory.CreateTempSubdirectory("convoy-logs-");
        try
        {
            Ended ended = await RunAsync("code", KeyValuePair.Create("LOGS", logs.FullName));
            Assert.Equal(5, ended.ExitCode);
            Assert.Matches(@"\Aconvoy: error: rank 1 \(pid \d+\) exited with code 5\. It wrote nothing\.\n\z", ended.Errors);
            Assert.True(File.Exists(Path.Combine(logs.FullName, "rank-1.log")), "there is no log");
        }
        finally
        {
            logs.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Run_RankFailsOnce_IsStartedAgainWhereOptionsSaySo()
    {
        Ended ended = await RunAsync("restarts");
        Assert.Equal(0, ended.ExitCode);
        Assert.Matches(@"\Aconvoy: restart 1 of 1: rank 1 \(pid \d+\) exited with code 7\. It wrote nothing\.\n\z", ended.Errors);
    }

    [Fact]
    public async Task Run_PortIsTaken_CannotBeStarted()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        string port = ((IPEndPoint)other.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        Ended ended = await RunAsync("port", KeyValuePair.Create("PORT", port));
        Assert.Equal((2, ""), (ended.ExitCode, ended.Output));
        Assert.Matches($@"\Aconvoy: error: [^\n]*{port}[^\n]*\n\z", ended.Errors);
    }

    [Fact]
    public async Task Run_WrongEnvironment_IsOneLine()
    {
        Ended ended = await RunAsync("two", KeyValuePair.Create("RANK", "first"));
        Assert.Equal((1, ""), (ended.ExitCode, ended.Output));
        Assert.Matches(@"\Aconvoy: error: [^\n]*WORLD_SIZE is invalid[^\n]*\n\z", ended.Errors);
    }

    [Fact]
    public async Task Run_WorkersComeToAnotherCall_SaySo()
    {
        Ended ended = await RunAsync("twice");
        Assert.Equal(2, ended.ExitCode);
        Assert.StartsWith("first\n", ended.Output, StringComparison.Ordinal);
        Assert.Contains("convoy: error: this worker was started by the call at SpawningProgram.cs:", ended.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("second", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Signal_AsksTheWorkersToStop()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no signals.");
        using Process process = Start("stopped");
        string?[] ready = [await LineAsync(process), await LineAsync(process)];
        Kill("TERM", process.Id);
        Ended ended = await EndAsync(process);

        Assert.Equal(["[rank 0] ready", "[rank 1] ready"], ready.Order());
        Assert.Equal(130, ended.ExitCode);
        Assert.Equal(["[rank 0] stopped", "[rank 1] stopped"], ended.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
    }

    [Fact]
    public async Task Run_LauncherGone_Ends()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "What stands for the launcher is /bin/sh.");
        using Process launcher = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "read line"]) { RedirectStandardInput = true })!;
        using Process worker = Start("waits", KeyValuePair.Create("CONVOY_PARENT_PID", launcher.Id.ToString(CultureInfo.InvariantCulture)));
        string? ready = await LineAsync(worker);
        launcher.Kill();
        await launcher.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal("ready", ready);
        Assert.Equal(1, (await EndAsync(worker)).ExitCode);
    }

    private static async Task<Ended> RunAsync(string name, params KeyValuePair<string, string>[] variables)
    {
        using Process process = Start(name, variables);
        return await EndAsync(process);
    }

    private static Process Start(string name, params KeyValuePair<string, string>[] variables)
    {
        var start = new ProcessStartInfo(Dotnet, ["exec", Worker, "program", name]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["OMP_NUM_THREADS"] = "1";
        foreach ((string variable, string value) in variables)
        {
            start.Environment[variable] = value;
        }

        return Process.Start(start)!;
    }

    private static async Task<string?> LineAsync(Process process)
    {
        using var limit = new CancellationTokenSource(Limit);
        return await process.StandardOutput.ReadLineAsync(limit.Token);
    }

    private static async Task<Ended> EndAsync(Process process)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"the program did not end: {await output} {await errors}");
        }

        return new Ended(process.ExitCode, (await output).ReplaceLineEndings("\n"), (await errors).ReplaceLineEndings("\n"));
    }

    private static void Kill(string signal, int processId)
    {
        using Process kill = Process.Start("/bin/sh", ["-c", $"kill -{signal} {processId}"]);
        kill.WaitForExit();
    }

    private sealed record Ended(int ExitCode, string Output, string Errors);
}
