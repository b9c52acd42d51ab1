namespace Convoy.Cli.Tests;

/// <summary>The program when nobody takes what it writes any more.</summary>
public sealed class StandardStreamsTests
{
    private const string Python = "/usr/bin/env";

    // Starts the program on a terminal of its own, closes the terminal once the program has written a line, and prints how it ended.
    private const string CloseTerminal = """
        import os, pty, sys
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(sys.argv[1], sys.argv[1:])
        seen = b""
        while b"begun" not in seen:
            seen += os.read(terminal, 4096)
        os.close(terminal)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """;

    private static string Convoy => Path.Combine(AppContext.BaseDirectory, "convoy");

    public StandardStreamsTests()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs a POSIX shell.");
    }

    [Theory]
    [InlineData("echo begun; sleep 300")]
    [InlineData("echo begun; while :; do echo more; echo worse >&2; sleep 0.01; done")]
    public async Task Terminal_IsClosed_EndsTheProgramWith129(string script)
    {
        ProgramRun python = await ProgramRun.StartAsync(Python, ["python3", "-c", "import pty"]);
        Assert.SkipUnless(python.ExitCode == 0, $"There is no Python with a pty module: {python.Error}");

        ProgramRun run = await ProgramRun.StartAsync(Python, ["python3", "-c", CloseTerminal, Convoy, "launch", "--nproc", "1", "--", "/bin/sh", "-c", script]);

        Assert.Equal((0, "129\n"), (run.ExitCode, run.Output));
    }

    [Theory]
    [InlineData(">&-")]
    [InlineData("2>&-")]
    [InlineData("<&- >&- 2>&-")]
    [InlineData("2>/dev/full")]
    public async Task Streams_ClosedBeforeTheStart_LeaveTheExitCodeAsItIs(string closed)
    {
        ProgramRun run = await ProgramRun.StartAsync("/bin/sh", ["-c", $"exec \"$0\" launch --nproc 1 -- /bin/sh -c 'echo out; echo err >&2; exit 3' {closed}", Convoy]);

        Assert.Equal(3, run.ExitCode);
    }

    [Fact]
    public async Task Output_DiskIsFull_IsAnError()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full.");
        ProgramRun run = await ProgramRun.StartAsync("/bin/sh", ["-c", "exec \"$0\" data synth --help >/dev/full", Convoy]);

        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("convoy: error: No space left on device", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Output_ReaderEndsAfterOneLine_IsNoError()
    {
        ProgramRun run = await ProgramRun.StartAsync("/bin/sh", ["-c", "{ \"$0\" launch --nproc 1 -- seq 100000; echo $? >&2; } | head -n 1", Convoy]);

        Assert.Equal(("[rank 0] 1\n", "0\n"), (run.Output, run.Error));
    }
}
