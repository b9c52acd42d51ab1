using System.Diagnostics;
using System.Globalization;
using Convoy.Distributed.Launch;

namespace Convoy.Distributed.Tests.Launch;

public sealed class ParentWatchTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    public ParentWatchTests()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The parents are /bin/sh scripts.");
    }

    [Fact]
    public void Start_NotLaunched_GivesNothingToWatch()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable("CONVOY_PARENT_PID") is not null, "The tests themselves were started by a launcher.");

        Assert.Null(ParentWatch.Start(() => { }));
    }

    [Fact]
    public void Start_ParentIsKilled_CallsOnce()
    {
        using Process parent = Process.Start("/bin/sh", ["-c", "exec sleep 60"]);
        int calls = 0;
        using var called = new ManualResetEventSlim();
        using ParentWatch watch = ParentWatch.Start(Text(parent.Id), () =>
        {
            Interlocked.Increment(ref calls);
            called.Set();
        });
        Assert.False(called.Wait(TimeSpan.FromSeconds(0.2), TestContext.Current.CancellationToken));

        parent.Kill();

        Assert.True(called.Wait(Limit, TestContext.Current.CancellationToken));
        Assert.Equal(1, calls);
        parent.WaitForExit();
    }

    [Fact]
    public void Start_ParentHasEndedBefore_Calls()
    {
        using Process parent = Process.Start("/bin/sh", ["-c", "exit 0"]);
        parent.WaitForExit();
        using var called = new ManualResetEventSlim();
        using ParentWatch watch = ParentWatch.Start(Text(parent.Id), called.Set);

        Assert.True(called.Wait(Limit, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Dispose_ParentLives_EndsTheThreadWithoutACall()
    {
        using Process parent = Process.Start("/bin/sh", ["-c", "exec sleep 60"]);
        bool called = false;
        ParentWatch watch = ParentWatch.Start(Text(parent.Id), () => called = true);

        watch.Dispose();
        watch.Dispose();
        parent.Kill();
        parent.WaitForExit();

        Assert.False(called);

        // The kernel's entry goes a moment after the thread has been joined.
        Assert.True(SpinWait.SpinUntil(() => WatchThreads() == 0, Limit), "the watching thread is still there");
    }

    [Theory]
    [InlineData("x")]
    [InlineData("-4")]
    [InlineData("0")]
    public void Start_NoProcessId_SaysWhichVariable(string text)
    {
        var error = Assert.Throws<InvalidOperationException>(() => ParentWatch.Start(text, () => { }));

        Assert.Equal($"CONVOY_PARENT_PID is not a process id ({text}). Leave it to the launcher to set it.", error.Message);
    }

    // The kernel keeps the first 15 characters of a thread's name.
    private static int WatchThreads() => Directory.Exists("/proc/self/task")
        ? Directory.GetDirectories("/proc/self/task").Count(t => NameOf(t).StartsWith("convoy parent w", StringComparison.Ordinal))
        : 0;

    private static string NameOf(string thread)
    {
        try
        {
            return File.ReadAllText(thread + "/comm");
        }
        catch (IOException)
        {
            // It has ended since the folder was listed.
            return string.Empty;
        }
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
