using System.Diagnostics;
using System.Globalization;

namespace Convoy.Cli.Tests;

/// <summary>The verb as its users meet it: the program in a process of its own.</summary>
public sealed class LaunchCommandTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public LaunchCommandTests()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The launched programs are /bin/sh scripts.");
    }

    [Fact]
    public void Launch_TwoProcesses_PrefixesTheirLines()
    {
        (int code, string output, string error) = Run("launch", "--nproc", "2", "--", "/bin/sh", "-c", "echo out $RANK of $WORLD_SIZE; echo err $RANK >&2");

        Assert.Equal(0, code);
        Assert.Equal(["[rank 0] out 0 of 2", "[rank 1] out 1 of 2"], Lines(output));
        Assert.Equal(["[rank 0] err 0", "[rank 1] err 1"], Lines(error));
    }

    [Fact]
    public void Launch_OneFails_NamesItWithItsLastLinesAndGivesItsCode()
    {
        (int code, _, string error) = Run("launch", "--nproc", "2", "--", "/bin/sh", "-c", "echo $$; if [ $RANK = 1 ]; then echo boom >&2; exit 3; fi; exec sleep 60");

        Assert.Equal(3, code);
        Assert.Matches(@"\A\[rank 1\] boom\nconvoy: error: rank 1 \(pid \d+\) exited with code 3\. Its last lines:\n\[rank 1\] boom\n\z", error);
    }

    [Fact]
    public void Launch_OneIsKilled_NamesTheSignal()
    {
        (int code, _, string error) = Run("launch", "--nproc", "2", "--", "/bin/sh", "-c", "[ $RANK = 0 ] && kill -9 $$; exec sleep 60");

        Assert.Equal(137, code);
        Assert.Matches(@"\Aconvoy: error: rank 0 \(pid \d+\) was ended by SIGKILL \(exit code 137\)\. If nobody sent that signal, the system may have run out of memory\. It wrote nothing\.\n\z", error);
    }

    [Fact]
    public void Launch_MaxRestarts_StartsAgainWithTheCount()
    {
        (int code, string output, string error) = Run("launch", "--nproc", "1", "--max-restarts", "1", "--", "/bin/sh", "-c", "echo start $TORCHELASTIC_RESTART_COUNT of $TORCHELASTIC_MAX_RESTARTS; exit $((1 - TORCHELASTIC_RESTART_COUNT))");

        Assert.Equal(0, code);
        Assert.Equal(["[rank 0] start 0 of 1", "[rank 0] start 1 of 1"], Lines(output));
        Assert.Contains("convoy: restart 1 of 1: rank 0 ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Launch_Master_IsPassedOn()
    {
        (int code, string output, _) = Run("launch", "--nproc", "1", "--nnodes", "1", "--node-rank", "0", "--master-addr", "localhost", "--no-store", "--master-port", "29501", "--", "/bin/sh", "-c", "echo $MASTER_ADDR:$MASTER_PORT");

        Assert.Equal(0, code);
        Assert.Equal(["[rank 0] localhost:29501"], Lines(output));
    }

    [Fact]
    public void Launch_LogDirectory_GetsOneLogPerRank()
    {
        string directory = Directory.CreateTempSubdirectory("convoy-launch-").FullName;
        try
        {
            Run("launch", "--nproc", "2", "--log-dir", directory, "--", "/bin/sh", "-c", "echo from $RANK");

            Assert.Equal("from 0\n", File.ReadAllText(Path.Combine(directory, "rank-0.log")));
            Assert.Equal("from 1\n", File.ReadAllText(Path.Combine(directory, "rank-1.log")));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public void Launch_SeveralFail_ListsThemWithTheCauseFirst()
    {
        const string script = "if [ $RANK = 1 ]; then printf '%s' '{\"message\":{\"message\":\"ours\",\"extraInfo\":{\"py_callstack\":\"Kind: ours\"}}}' > $TORCHELASTIC_ERROR_FILE; trap 'exit 3' TERM; while :; do sleep 0.05; done; fi; sleep 0.5; exit 4";
        (int code, _, string error) = Run("launch", "--nproc", "2", "--", "/bin/sh", "-c", script);

        Assert.Equal(3, code);
        Assert.Matches(
            @"\Aconvoy: error: rank 1 \(pid \d+\) failed with exit code 3: ours\. It wrote nothing\.\nIts exception:\n\[rank 1\] Kind: ours\nFailures, the root cause first:\n  rank 1 \(local rank 1\), pid \d+ on node 0 \(.+\), \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z, exit code 3: ours\n  rank 0 .*, exit code 4\n\z",
            error);
    }

    [Fact]
    public void Launch_FilterAndNoPrefix_ShowsTheChosenRanksLines()
    {
        (_, string output, string error) = Run("launch", "--nproc", "3", "--local-ranks-filter", "0,2", "--no-prefix", "--", "/bin/sh", "-c", "echo out $RANK; echo err $RANK >&2");

        Assert.Equal(["out 0", "out 2"], Lines(output));
        Assert.Equal(["err 0", "err 2"], Lines(error));
    }

    [Fact]
    public void Launch_RedirectsAndTee_KeepStreamsOffTheTerminalButInTheLog()
    {
        string directory = Directory.CreateTempSubdirectory("convoy-launch-").FullName;
        try
        {
            (_, string output, string error) = Run("launch", "--nproc", "2", "--log-dir", directory, "--redirects", "3", "--tee", "1:2", "--", "/bin/sh", "-c", "echo out; echo err >&2");

            Assert.Equal(string.Empty, output);
            Assert.Equal(["[rank 1] err"], Lines(error));
            Assert.Equal(["err", "out"], Lines(File.ReadAllText(Path.Combine(directory, "rank-0.log"))));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("trap '' TERM; ")]
    public void Launch_Killed_LeavesNoProcessAndNoFile(string preparation)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What a killed launcher leaves is ended on Linux only.");
        using Process convoy = Start("launch", "--nproc", "1", "--", "/bin/sh", "-c", preparation + "sleep 60 & echo $!; echo $$; echo $TORCHELASTIC_ERROR_FILE; wait");
        int[] workers = [WorkerId(convoy), WorkerId(convoy)];
        string errors = Path.GetDirectoryName(convoy.StandardOutput.ReadLine()!.Split(' ')[^1])!;
        Assert.True(Directory.Exists(errors));

        convoy.Kill();

        Assert.True(SpinWait.SpinUntil(() => !Array.Exists(workers, id => Directory.Exists($"/proc/{id}")) && !Directory.Exists(errors), Limit), "something is left");
    }

    [Theory]
    [InlineData("HUP", 129)]
    [InlineData("TERM", 130)]
    public void Launch_BackgroundJobOfAShell_PassesSigtermOn(string signal, int code)
    {
        // Such a job and what it starts ignore SIGINT.
        using Process shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "\"$@\" & echo $!; wait $!", "sh", Path.Combine(AppContext.BaseDirectory, "convoy"), "launch", "--nproc", "1", "--", "/bin/sh", "-c", "trap 'echo saved; exit 0' TERM; echo ready; while :; do sleep 0.1; done"])
        {
            RedirectStandardOutput = true,
        })!;
        int launcher = WorkerId(shell);
        Assert.Equal("[rank 0] ready", shell.StandardOutput.ReadLine());

        Process.Start("/bin/kill", ["-" + signal, launcher.ToString(CultureInfo.InvariantCulture)]).WaitForExit();

        Assert.Equal("[rank 0] saved", shell.StandardOutput.ReadLine());
        Assert.True(shell.WaitForExit(Limit), "still running");
        Assert.Equal(code, shell.ExitCode);
    }

    [Fact]
    public void Launch_SecondCtrlC_EndsWorkersThatDoNotStop()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What a launcher leaves is ended on Linux only.");
        using Process convoy = Start("launch", "--nproc", "1", "--", "/bin/sh", "-c", "trap '' INT TERM; echo $$; while :; do sleep 0.1; done");
        int worker = WorkerId(convoy);
        void Interrupt() => Process.Start("/bin/kill", ["-INT", convoy.Id.ToString(CultureInfo.InvariantCulture)]).WaitForExit();

        // From the terminal and from a launcher around this one: the same Ctrl-C.
        Interrupt();
        Interrupt();
        Assert.False(convoy.WaitForExit(1500));

        Interrupt();
        Assert.True(convoy.WaitForExit(Limit), "still running");
        Assert.Equal(130, convoy.ExitCode);
        Assert.True(SpinWait.SpinUntil(() => !Directory.Exists($"/proc/{worker}"), Limit), "a worker is left");
    }

    [Fact]
    public void Launch_Terminated_PassesItOnAndGives130()
    {
        using Process convoy = Start("launch", "--nproc", "2", "--", "/bin/sh", "-c", "trap 'exit 0' TERM; echo $$; while :; do sleep 0.1; done");
        int[] workers = [WorkerId(convoy), WorkerId(convoy)];
        Process.Start("/bin/kill", ["-TERM", convoy.Id.ToString(CultureInfo.InvariantCulture)]).WaitForExit();
        bool ended = convoy.WaitForExit(Limit + Limit);

        Assert.True(ended, "still running");
        Assert.Equal(130, convoy.ExitCode);
        Assert.Equal(string.Empty, convoy.StandardError.ReadToEnd());
        Assert.DoesNotContain(workers, id => Directory.Exists($"/proc/{id}"));
    }

    [Theory]
    [InlineData("convoy: error: --nproc is too small (0). Give at least 1.", "--nproc", "0", "--", "true")]
    [InlineData("convoy: error: --max-restarts is too small (-1). Give at least 0.", "--max-restarts", "-1", "--", "true")]
    [InlineData("convoy: error: --master-port is no port (70000). Give 0 to 65535.", "--master-port", "70000", "--", "true")]
    [InlineData("convoy: error: --nproc is no number (two). Give a whole number, at least 1.", "--nproc", "two", "--", "true")]
    [InlineData("convoy: error: --nproc cannot be counted from GPUs (gpu). Give a number, auto or cpu.", "--nproc", "gpu", "--", "true")]
    [InlineData("convoy: error: --nnodes is no range (4:1). Give MIN:MAX, the smaller number first.", "--nnodes", "4:1", "--", "true")]
    [InlineData("convoy: error: --nnodes is too small (0). Give at least 1.", "--nnodes", "0:4", "--", "true")]
    [InlineData("convoy: error: --nnodes is no number (x). Give a whole number, at least 1.", "--nnodes", "1:x", "--", "true")]
    [InlineData("convoy: error: --last-call is no time (-1). Give seconds, at least 0 and at most 86400.", "--last-call", "-1", "--", "true")]
    [InlineData("convoy: error: --node-timeout is no time (0). Give seconds, more than 0 and at most 86400.", "--node-timeout", "0", "--", "true")]
    [InlineData("convoy: error: last_call_timeout in --rdzv-conf is no time (soon). Give seconds.", "--rdzv-conf", "last_call_timeout=soon", "--", "true")]
    [InlineData("convoy: error: --rdzv-conf has a setting without a value (join_timeout). Give KEY=VALUE, with commas between several.", "--rdzv-conf", "is_host=1,join_timeout", "--", "true")]
    [InlineData("convoy: error: --node-rank is too large (1). Give a number below --nnodes (1).", "--node-rank", "1", "--", "true")]
    [InlineData("convoy: error: several machines need a secret that only their launchers know (CONVOY_JOB_SECRET is not set). Set it to the same random text in the environment of convoy launch on every machine, for instance what openssl rand -hex 32 gives.", "--nnodes", "2", "--", "true")]
    [InlineData("convoy: error: --standalone does not go with several machines (--nnodes 2). Leave one of them out.", "--nnodes", "2", "--standalone", "--", "true")]
    [InlineData("convoy: error: --rdzv-endpoint does not go with --master-addr and --master-port (a:1). Give one or the other.", "--rdzv-endpoint", "a:1", "--master-port", "5", "--", "true")]
    [InlineData("convoy: error: --rdzv-endpoint is no address (a:x). Give HOST:PORT, with a port of 0 to 65535.", "--rdzv-endpoint", "a:x", "--", "true")]
    [InlineData("convoy: error: --monitor-interval is no time (0). Give seconds, more than 0 and at most 86400.", "--monitor-interval", "0", "--", "true")]
    [InlineData("convoy: error: --redirects needs a folder for the logs (no --log-dir). Give --log-dir DIR.", "--redirects", "3", "--", "true")]
    [InlineData("convoy: error: --tee is no selection of streams (0:4). Give 0 (none), 1 (standard output), 2 (standard error) or 3 (both), or a list by local rank such as 0:3,1:2.", "--tee", "0:4", "--", "true")]
    [InlineData("convoy: error: --local-ranks-filter is no list of local ranks (2). Give numbers from 0 to 1, with commas between them.", "--nproc", "2", "--local-ranks-filter", "2", "--", "true")]
    [InlineData("convoy: error: no program to launch (nothing after --). Write it after two dashes: convoy launch --nproc 2 -- PROGRAM ARGS.", "--nproc", "2")]
    [InlineData("convoy: error: unknown option or argument of launch (--bad). Write the program after two dashes: convoy launch --nproc 2 -- PROGRAM ARGS.", "--bad", "--", "true")]
    [InlineData("convoy: error: unknown option or argument of launch (true). Write the program after two dashes: convoy launch --nproc 2 -- PROGRAM ARGS.", "true")]
    [InlineData("convoy: error: the program cannot be started (/nowhere/program: no such file). Check its path and that it is executable.", "--", "/nowhere/program")]
    public void Launch_BadUsage_GivesOneLineAnd2(string message, params string[] arguments)
    {
        (int code, string output, string error) = Run(["launch", .. arguments]);

        Assert.Equal(2, code);
        Assert.Equal(message + "\n", error);
        Assert.Equal(string.Empty, output);
    }

    [Fact]
    public void Launch_ProgramWithOptionsOfTheSameName_PassesThemOn()
    {
        (int code, string output, _) = Run("launch", "--nproc", "1", "--", "/bin/echo", "--nproc", "7", "--verbose", "--", "x");

        Assert.Equal(0, code);
        Assert.Equal(["[rank 0] --nproc 7 --verbose -- x"], Lines(output));
    }

    private static (int Code, string Output, string Error) Run(params string[] arguments)
    {
        using Process convoy = Start(arguments);
        Task<string> output = convoy.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Task<string> error = convoy.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        bool ended = convoy.WaitForExit(Limit);
        if (!ended)
        {
            convoy.Kill(entireProcessTree: true);
        }

        Assert.True(ended, "still running");
        return (convoy.ExitCode, output.Result, error.Result);
    }

    private static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "convoy"), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }

    private static int WorkerId(Process convoy) => int.Parse(convoy.StandardOutput.ReadLine()!.Split(' ')[^1], CultureInfo.InvariantCulture);

    private static string[] Lines(string text) => [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];
}
